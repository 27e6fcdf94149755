// What flags are. Kept apart from the rest of the lib, as the command line is read before any service is loaded.

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

/** Those that every service reads, or more than one. */
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
  'min-interval': {
    help: 'The shortest interval that an object may have; a shorter one counts as this',
    value: 'duration',
    default: '1s',
  },
};
