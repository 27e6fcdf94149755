// The type of flags, and the flags that services share. They are separate from the rest of the lib, because the command
// line is read before any service is loaded.

/** A flag of the command line, its meaning, and its default in words. */
export interface Flag {
  help: string;
  value?: string;
  default?: string;
  /** May be given more than once; the values are put together with commas. */
  list?: true;
}

/** By name, without dashes. */
export type Flags = Readonly<Record<string, Flag>>;

/** The flags that all services read, or more than one. */
export const commonFlags: Flags = {
  'nats-replicas': { help: 'Copies that NATS keeps of each stream', value: 'n', default: '1' },
  'nats-storage': {
    help: 'Where NATS keeps streams: file or memory',
    value: 'kind',
    default: 'file',
  },
  'runtime-namespace': {
    help: 'Namespace of the services themselves, and of their Leases',
    value: 'name',
    default: 'RUNTIME_NAMESPACE, or weir-system',
  },
  'flux-namespaces': {
    help: "Where Flux's controllers may run, with commas; a service waits while its counterpart leads",
    value: 'names',
    default: 'the runtime namespace and flux-system',
  },
  'lease-duration': {
    help: 'How long a replica that vanished keeps its objects',
    value: 'duration',
    default: '15s',
  },
  'lease-renew-interval': {
    help: 'How often a replica says that it lives',
    value: 'duration',
    default: 'a third of lease-duration',
  },
  'storage-dir': {
    help: 'Folder for caches',
    value: 'path',
    default: "the system's temporary folder",
  },
  concurrent: {
    help: 'Objects that each service works on at a time',
    value: 'n',
    default: '20 for kustomize, else 16',
  },
  'allow-local-addresses': {
    help: 'Connect to loopback, link-local and metadata addresses too, where an object names such a host',
  },
  'artifact-port': {
    help: 'Port of the artifact server of source',
    value: 'port',
    default: '9790',
  },
  'artifact-address': {
    help: 'Host, or host:port, of that server: source advertises it, and others fetch from it whatever its address',
    value: 'address',
    default: 'localhost and its port',
  },
  'artifact-max-packed-bytes': {
    help: 'Largest archive that source makes of a tree, and that others fetch',
    value: 'bytes',
    default: '128 MiB',
  },
  'no-cross-namespace-refs': { help: 'Refuse references into other namespaces' },
  'engine-memory-mib': {
    help: 'Memory that the render engines of each service may take together',
    value: 'MiB',
    default: "half of the container's, 1024 at most",
  },
  'git-concurrent': {
    help: 'Git commands that run at a time, three eighths of them transfers; at least 2',
    value: 'n',
    default: '16',
  },
  'git-max-pack-bytes': {
    help: 'Largest pack that is fetched; more is cut off while it arrives',
    value: 'bytes',
    default: '256 MiB',
  },
  'git-max-memory-bytes': {
    help: 'Memory of each git process; a large file that is stored as a difference takes twice its size',
    value: 'bytes',
    default: '80 MiB',
  },
  'git-cache-bytes': {
    help: 'Size of the cached repositories; those used least recently go',
    value: 'bytes',
    default: '2 GiB',
  },
  'min-interval': {
    help: 'The shortest interval that an object may have; a shorter one counts as this',
    value: 'duration',
    default: '1s',
  },
  'default-service-account': {
    help: 'Account of Kustomizations and HelmReleases that name none; in other kinds, of those with a cloud as provider',
    value: 'name',
  },
  'cloud-endpoints': {
    help: "Where services of clouds are, as aws-sts=https://... with commas; others are at the vendors' hosts",
    value: 'urls',
    list: true,
  },
  'token-cache-max-size': {
    help: 'Tokens of clouds that a service keeps; 0 keeps none',
    value: 'n',
    default: '1000',
  },
  'token-cache-max-duration': {
    help: 'The longest that such a token is kept, an hour at most',
    value: 'duration',
    default: '1h',
  },
  'default-kubeconfig-service-account': {
    help: 'Account of ConfigMaps of spec.kubeConfig that name none; needs the gate ObjectLevelWorkloadIdentity',
    value: 'name',
  },
  'insecure-kubeconfig-exec': {
    help: 'Let kubeconfigs of Kustomizations and HelmReleases run the program that they name for credentials',
  },
  'insecure-kubeconfig-tls': {
    help: 'Let kubeconfigs of Kustomizations and HelmReleases turn off the verification of certificates, or TLS itself',
  },
  'max-remote-clusters': {
    help: 'Clusters that kustomize and helm-release each are connected to at a time, besides their own',
    value: 'n',
    default: '400',
  },
  'concurrent-ssa': {
    help: 'Requests at a time for one Kustomization or HelmRelease',
    value: 'n',
    default: '16',
  },
  'requeue-dependency': {
    help: 'Latest next look at a dependency that is not ready',
    value: 'duration',
    default: '30s',
  },
  'override-manager': {
    help: 'Field managers to take fields over from, with commas',
    value: 'names',
    list: true,
  },
  'interval-jitter-percentage': {
    help: 'By how much intervals of kustomize and helm-release vary',
    value: 'percent',
    default: '5',
  },
  'watch-configs-label-selector': {
    help: 'ConfigMaps and Secrets whose changes are followed at once',
    value: 'selector',
    default: 'reconcile.fluxcd.io/watch=Enabled',
  },
  renderers: {
    help: 'Builds that kustomize and helm-release each run at a time, at most',
    value: 'n',
    default: 'processors, up to 4',
  },
  'build-timeout': {
    help: 'The longest that a build may take, whatever the timeout of its object',
    value: 'duration',
    default: '5m',
  },
  'cache-size-mib': {
    help: 'Size of the cache of artifacts of kustomize and helm-release each',
    value: 'MiB',
    default: '512',
  },
  'feature-gates': {
    help: "Flux's feature gates, as Name=true with commas",
    value: 'gates',
    list: true,
  },
};
