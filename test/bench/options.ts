import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface Options {
  scenarios: string[];
  rounds: number;
  apps: number;
  /** File for the results. */
  json?: string;
  /** Folder for CPU profiles. */
  cpuProfiles?: string;
  help: boolean;
}

export class UsageError extends Error {}

const DEFAULT_ROUNDS = 20;
const DEFAULT_APPS = 100;

/** What `--help` prints. */
export const USAGE = `npm run bench -- [flags]

  --scenario NAME   what to measure, may be repeated: commit (default), scale (default with --apps)
  --rounds N        repetitions of what is short (${DEFAULT_ROUNDS})
  --apps N          number of Kustomizations of the scenario scale (${DEFAULT_APPS})
  --json FILE       write the results to a file, all single times included
  --cpu-prof DIR    write CPU profiles of the system's Node processes into a folder
`;

/** Reads the command line. @throws UsageError with what to write instead */
export function readOptions(args: readonly string[], known: readonly string[]): Options {
  const values = parse(args);
  const scenarios = values.scenario ?? (values.apps === undefined ? ['commit'] : ['scale']);
  const stranger = scenarios.find((name) => !known.includes(name));
  if (stranger !== undefined) {
    throw new UsageError(`there is no scenario ${stranger}, only ${known.join(', ')}`);
  }
  return {
    scenarios,
    rounds: count('rounds', values.rounds, DEFAULT_ROUNDS),
    apps: count('apps', values.apps, DEFAULT_APPS),
    ...(values.json === undefined ? {} : { json: resolve(values.json) }),
    ...(values['cpu-prof'] === undefined ? {} : { cpuProfiles: resolve(values['cpu-prof']) }),
    help: values.help ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        scenario: { type: 'string', multiple: true },
        rounds: { type: 'string' },
        apps: { type: 'string' },
        json: { type: 'string' },
        'cpu-prof': { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function count(flag: string, value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new UsageError(`--${flag} wants a number of at least 1, not ${value}`);
}
