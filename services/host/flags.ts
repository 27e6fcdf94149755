import { parseArgs } from 'node:util';
import { variableOf } from '@weir/service';

/** A flag of the command line, its meaning, and its default in words. */
interface Flag {
  help: string;
  value?: string;
  default?: string;
  /** May be given more than once; the values are put together with commas. */
  list?: true;
}

const FLAGS: Record<string, Flag> = {
  help: { help: 'Print this and exit' },
  kubeconfig: {
    help: 'Path of a kubeconfig',
    value: 'path',
    default: 'KUBECONFIG, the pod, or ~/.kube/config',
  },
  'nats-url': {
    help: 'NATS servers, with commas',
    value: 'url',
    default: 'NATS_URL, or localhost',
  },
  'nats-credentials': { help: 'Path of a .creds file', value: 'path' },
  'nats-replicas': { help: 'Copies that NATS keeps of each stream', value: 'n', default: '1' },
  'nats-storage': {
    help: 'Where NATS keeps streams: file or memory',
    value: 'kind',
    default: 'file',
  },
  'events-max-age': { help: 'How long events are kept', value: 'duration', default: '168h' },
  'cluster-name': { help: 'Name of this cluster in messages', value: 'name', default: 'default' },
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
  'install-crds': { help: 'Install or update the CRDs first' },
  'service-accounts': {
    help: 'Create a service account for each service, with its rights, and run the service as it',
  },
  'health-port': { help: 'Port of /healthz, /readyz and /metrics', value: 'port', default: '9440' },
  'storage-dir': {
    help: 'Folder for caches',
    value: 'path',
    default: "the system's temporary folder",
  },
  'log-level': {
    help: 'debug, info, warn or error',
    value: 'level',
    default: 'LOG_LEVEL, or info',
  },
  concurrent: {
    help: 'Objects that each service works on at a time',
    value: 'n',
    default: '20 for kustomize, else 16',
  },
  'no-cross-namespace-refs': { help: 'Refuse references into other namespaces' },
  'artifact-port': { help: 'source: port of the artifact server', value: 'port', default: '9790' },
  'artifact-address': {
    help: 'source: host, or host:port, of the artifact server as others reach it',
    value: 'address',
    default: 'localhost and its port',
  },
  'artifact-retention': {
    help: 'source: how long an artifact that nothing refers to is kept',
    value: 'duration',
    default: '10m',
  },
  'garbage-interval': {
    help: 'source: how often such artifacts are looked for',
    value: 'duration',
    default: '5m',
  },
  'artifact-max-bytes': { help: 'source: largest tree that is packed', value: 'bytes' },
  'artifact-max-files': { help: 'source: most files that are packed', value: 'n' },
  'artifact-cache-bytes': {
    help: 'source: size of the artifact cache',
    value: 'bytes',
    default: '1 GiB',
  },
  'default-service-account': {
    help: 'kustomize: account of Kustomizations that name none',
    value: 'name',
  },
  'concurrent-ssa': {
    help: 'kustomize: requests at a time for one Kustomization',
    value: 'n',
    default: '16',
  },
  'requeue-dependency': {
    help: 'kustomize: latest next look at a dependency that is not ready',
    value: 'duration',
    default: '30s',
  },
  'override-manager': {
    help: 'kustomize: field managers to take fields over from, with commas',
    value: 'names',
    list: true,
  },
  'custom-apply-stage-kinds': {
    help: 'kustomize: <group>/<kind> of what is applied before the rest, with commas',
    value: 'kinds',
    list: true,
  },
  'interval-jitter-percentage': {
    help: 'kustomize: by how much intervals vary',
    value: 'percent',
    default: '5',
  },
  'watch-configs-label-selector': {
    help: 'kustomize: ConfigMaps and Secrets whose changes are followed at once',
    value: 'selector',
    default: 'reconcile.fluxcd.io/watch=Enabled',
  },
  renderers: {
    help: 'kustomize: builds that run at a time, at most',
    value: 'n',
    default: 'processors, up to 4',
  },
  'build-timeout': {
    help: 'kustomize: the longest that a build may take, whatever the timeout of its Kustomization',
    value: 'duration',
    default: '5m',
  },
  'cache-size-mib': { help: 'kustomize: size of the artifact cache', value: 'MiB', default: '512' },
  'feature-gates': {
    help: "kustomize: Flux's feature gates, as Name=true with commas",
    value: 'gates',
    list: true,
  },
};

/** What the command line asks for: services by name (none: all), and flags by name without dashes. */
export interface CommandLine {
  services: string[];
  flags: Record<string, string>;
}

/** A command line that can't be followed; the message says which part, and what would be right. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** Reads the arguments; `known` are the names of the services. Throws UsageError. */
export function readCommandLine(args: readonly string[], known: readonly string[]): CommandLine {
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const line: CommandLine = { services: [], flags: {} };
  let expecting: string | undefined;
  for (const token of tokens) {
    if (token.kind === 'positional') {
      if (expecting) put(line, expecting, token.value);
      else line.services.push(token.value);
      expecting = undefined;
      continue;
    }
    if (expecting) throw new UsageError(`--${expecting} needs a value: --${expecting}=...`);
    if (token.kind === 'option-terminator') continue;
    const flag = FLAGS[token.name];
    if (!flag) throw new UsageError(`unknown flag ${token.rawName}${didYouMean(token.name)}`);
    if (token.value === undefined && flag.value) expecting = token.name;
    else put(line, token.name, token.value ?? 'true');
  }
  if (expecting) throw new UsageError(`--${expecting} needs a value: --${expecting}=...`);
  const stranger = line.services.find((name) => !known.includes(name));
  if (stranger) {
    throw new UsageError(`unknown service ${stranger}; there are ${known.join(', ')}`);
  }
  return line;
}

function put({ flags }: CommandLine, name: string, value: string): void {
  const before = FLAGS[name]?.list ? flags[name] : undefined;
  flags[name] = before === undefined ? value : `${before},${value}`;
}

function didYouMean(name: string): string {
  const close = Object.keys(FLAGS).find((flag) => flag.includes(name) || name.includes(flag));
  return close ? `; did you mean --${close}?` : '; --help shows all';
}

/** The text of `--help`. */
export function usage(known: readonly string[]): string {
  const lines = Object.entries(FLAGS).map(([name, flag]) => {
    const shown = flag.value ? `--${name}=<${flag.value}>` : `--${name}`;
    return `  ${shown.padEnd(38)} ${flag.help}${flag.default ? ` (${flag.default})` : ''}`;
  });
  return `Runs services of Weir in this process: those named, or all.

  npm run services -- [${known.join('] [')}] [flags]

Flags, each also as an environment variable such as ${variableOf('health-port')}:

${lines.join('\n')}
`;
}
