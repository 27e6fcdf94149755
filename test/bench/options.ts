import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface Options {
  scenarios: string[];
  /** The systems that are measured beside Weir. */
  peers: string[];
  rounds: number;
  /** Numbers of Kustomizations, ascending. */
  apps: number[];
  /** Whether peers are measured with as many apps as Weir, however long that takes. */
  allSizes: boolean;
  idleSeconds: number;
  /** The folder for results as JSON, Markdown and plots. */
  out?: string;
  /** Folder for CPU profiles of the services and of kube-apiserver. */
  cpuProfiles?: string;
  /** Folder for logs. */
  logs?: string;
  /** Whether requests that go beyond their budget are an error. */
  check: boolean;
  help: boolean;
}

export class UsageError extends Error {}

/** The names that the command line accepts. */
export interface Known {
  scenarios: readonly { name: string; about: string }[];
  peers: readonly string[];
}

/** Peers are measured with at most this many apps, because with more they take hours. */
export const PEERS_UP_TO = 500;
const DEFAULT_ROUNDS = 20;
const DEFAULT_APPS = '100';
const DEFAULT_IDLE_SECONDS = 60;

/** The text that `--help` prints. */
export function usage({ scenarios, peers }: Known): string {
  const width = Math.max(...scenarios.map(({ name }) => name.length));
  const list = scenarios.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`).join('\n');
  return `npm run bench -- [flags]

  --scenario NAME    what to measure, may be repeated; all unless given.
                     The first word of several names stands for all of them
  --skip NAME        what to leave out, may be repeated
  --apps N,N         numbers of Kustomizations (${DEFAULT_APPS})
  --peer NAME        what to measure beside Weir, may be repeated: ${peers.join(', ')};
                     Flux's binaries are built the first time, or come from the folder PEER_BIN
  --all-sizes        peers with more than ${PEERS_UP_TO} Kustomizations too
  --rounds N         repetitions of what is short, at most (${DEFAULT_ROUNDS})
  --idle-seconds N   how long nothing is done for (${DEFAULT_IDLE_SECONDS})
  --out DIR          write results.json, results.md and plots into a folder
  --check            fail when Weir asks the API server for more than its budgets allow
  --cpu-prof DIR     write CPU profiles of Weir's processes and of kube-apiserver into a folder
  --logs DIR         keep the logs of all processes in a folder

Scenarios:
${list}
`;
}

/** Reads the command line. @throws UsageError with what to write instead */
export function readOptions(args: readonly string[], known: Known): Options {
  const values = parse(args);
  const scenarios = known.scenarios.map(({ name }) => name);
  const skipped = chosen('scenario', values.skip ?? [], scenarios);
  return {
    scenarios: chosen('scenario', values.scenario ?? scenarios, scenarios).filter(
      (name) => !skipped.includes(name),
    ),
    peers: chosen('peer', values.peer ?? [], known.peers),
    rounds: count('rounds', values.rounds, DEFAULT_ROUNDS),
    apps: (values.apps ?? DEFAULT_APPS)
      .split(',')
      .map((number) => count('apps', number, 0))
      .toSorted((a, b) => a - b),
    allSizes: values['all-sizes'] ?? false,
    idleSeconds: count('idle-seconds', values['idle-seconds'], DEFAULT_IDLE_SECONDS),
    ...(values.out === undefined ? {} : { out: resolve(values.out) }),
    ...(values['cpu-prof'] === undefined ? {} : { cpuProfiles: resolve(values['cpu-prof']) }),
    ...(values.logs === undefined ? {} : { logs: resolve(values.logs) }),
    check: values.check ?? false,
    help: values.help ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        scenario: { type: 'string', multiple: true },
        skip: { type: 'string', multiple: true },
        peer: { type: 'string', multiple: true },
        apps: { type: 'string' },
        'all-sizes': { type: 'boolean' },
        rounds: { type: 'string' },
        'idle-seconds': { type: 'string' },
        out: { type: 'string' },
        'cpu-prof': { type: 'string' },
        logs: { type: 'string' },
        check: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Names in the order in which they are known. The first word of several names, such as `image`, stands for all of them. */
function chosen(flag: string, values: readonly string[], known: readonly string[]): string[] {
  const isMeant = (value: string) => (name: string) =>
    name === value || (flag === 'scenario' && name.startsWith(`${value}-`));
  const stranger = values.find((value) => !known.some(isMeant(value)));
  if (stranger !== undefined) {
    throw new UsageError(`there is no ${flag} ${stranger}, only ${known.join(', ')}`);
  }
  return known.filter((name) => values.some((value) => isMeant(value)(name)));
}

function count(flag: string, value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new UsageError(`--${flag} wants a number of at least 1, not ${value}`);
}
