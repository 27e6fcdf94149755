import { devNull } from 'node:os';

/**
 * Settings for every git process: nothing that a repository, a machine or a user has configured may run a program or
 * ask for input.
 */
const isolation: [key: string, value: string][] = [
  ['protocol.allow', 'never'],
  ['protocol.http.allow', 'always'],
  ['protocol.https.allow', 'always'],
  ['protocol.ext.allow', 'never'],
  // git would send credentials and certificates to any host that a server redirects to, and resolve that name itself.
  ['http.followRedirects', 'false'],
  ['core.hooksPath', devNull],
  ['core.fsmonitor', 'false'],
  ['core.askPass', ''],
  ['credential.helper', ''],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['advice.detachedHead', 'false'],
  ['submodule.recurse', 'false'],
  // A fetched pack is kept as one file: it appears completely or not at all.
  ['fetch.unpackLimit', '1'],
  // What is lost when the machine loses its power is fetched again: nothing of a repository is kept over a start.
  ['core.fsync', 'none'],
  // Memory: packs are mapped in small windows, files above 1 MiB are streamed and not compared with each other.
  ['core.packedGitWindowSize', '1m'],
  ['core.packedGitLimit', '16m'],
  ['core.bigFileThreshold', '1m'],
  ['core.deltaBaseCacheLimit', '8m'],
  ['pack.threads', '1'],
  ['pack.windowMemory', '8m'],
  ['pack.deltaCacheSize', '1m'],
  ['index.threads', '1'],
];

/**
 * The environment of a git process. Of our own environment only PATH is passed on: the proxy to use is configuration.
 * @param config further configuration, credentials among it
 * @param ssh the variables that say how to run ssh; without them git may not
 * @param allowFile lets git read repositories of this machine (tests)
 */
export function gitEnvironment(options: {
  gitDir?: string;
  config?: readonly (readonly [key: string, value: string])[];
  ssh?: Readonly<Record<string, string>> | undefined;
  allowFile?: boolean;
}): Record<string, string> {
  const config = [
    ...isolation,
    ...(options.allowFile ? [['protocol.file.allow', 'always'] as const] : []),
    ...(options.ssh ? [['protocol.ssh.allow', 'always'] as const] : []),
    ...(options.config ?? []),
  ];
  const env: Record<string, string> = {
    LC_ALL: 'C',
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: devNull,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_CONFIG_COUNT: String(config.length),
    ...options.ssh,
  };
  if (options.gitDir !== undefined) env.GIT_DIR = options.gitDir;
  config.forEach(([key, value], index) => {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  });
  if (process.env.PATH !== undefined) env.PATH = process.env.PATH;
  return env;
}
