import { parseArgs } from 'node:util';
import { variableOf } from '@weir/service';
import type { Flag } from '@weir/service/flags';

/** The contents of a command line: services by name (none: all), and flags by name without dashes. */
export interface CommandLine {
  services: string[];
  flags: Record<string, string>;
}

/** A command line that can't be followed; the message names the part, and what would be right. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** The services and flags that a command line may have. */
export interface Grammar {
  services: readonly string[];
  flags: ReadonlyMap<string, NamedFlag>;
}

/** A flag with the service that alone reads it, if there is one. */
export interface NamedFlag extends Flag {
  service?: string;
}

/** Reads the arguments. Throws UsageError. */
export function readCommandLine(
  args: readonly string[],
  { services, flags }: Grammar,
): CommandLine {
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
      if (expecting) put(line, expecting, flags, token.value);
      else line.services.push(token.value);
      expecting = undefined;
      continue;
    }
    if (expecting) throw new UsageError(`--${expecting} needs a value: --${expecting}=...`);
    if (token.kind === 'option-terminator') continue;
    const flag = flags.get(token.name);
    if (!flag)
      throw new UsageError(`unknown flag ${token.rawName}${didYouMean(token.name, flags)}`);
    if (token.value === undefined && flag.value) expecting = token.name;
    else put(line, token.name, flags, token.value ?? 'true');
  }
  if (expecting) throw new UsageError(`--${expecting} needs a value: --${expecting}=...`);
  const stranger = line.services.find((name) => !services.includes(name));
  if (stranger) {
    throw new UsageError(`unknown service ${stranger}; there are ${services.join(', ')}`);
  }
  return line;
}

function put(line: CommandLine, name: string, known: Grammar['flags'], value: string): void {
  const before = known.get(name)?.list ? line.flags[name] : undefined;
  line.flags[name] = before === undefined ? value : `${before},${value}`;
}

function didYouMean(name: string, known: Grammar['flags']): string {
  const close = [...known.keys()].find((flag) => flag.includes(name) || name.includes(flag));
  return close ? `; did you mean --${close}?` : '; --help shows all';
}

/** The text of `--help`. */
export function usage({ services, flags }: Grammar): string {
  const lines = [...flags].map(([name, flag]) => {
    const shown = flag.value ? `--${name}=<${flag.value}>` : `--${name}`;
    const help = flag.service === undefined ? flag.help : `${flag.service}: ${flag.help}`;
    return `  ${shown.padEnd(38)} ${help}${flag.default ? ` (${flag.default})` : ''}`;
  });
  return `Runs services of Weir in this process: those named, or all.

  npm run services -- [${services.join('] [')}] [flags]

Shows what an object would change if it ran now:

  npm run services -- diff <kind> <namespace>/<name> [flags]

Shows what became of the messages of Alerts: sent, failed, waiting, given up; --replay sends again what was given up:

  npm run services -- deliveries [--namespace=<name> [--alert=<name>]] [--replay] [flags]

Flags, each also as an environment variable such as ${variableOf('health-port')}:

${lines.join('\n')}
`;
}
