// Kubeconfigs that somebody else wrote, such as a tenant into a Secret: they name no file and run no program of this machine.
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { parse } from 'yaml';
import type { ClusterAccess, ExecPlugin } from './access.ts';
import type { Credentials } from './credentials.ts';
import { KubeconfigError } from './errors.ts';
import {
  type Fields,
  impersonationOf,
  isFields,
  type NamedEntry,
  namedEntries,
} from './kubeconfig.ts';

export interface InlineRules {
  /** Whether `insecure-skip-tls-verify` and servers without TLS count (Flux's flag --insecure-kubeconfig-tls). */
  insecureTls: boolean;
  /** Whether a program of this machine may be run for credentials (Flux's flag --insecure-kubeconfig-exec). */
  exec: boolean;
}

/** A kubeconfig of fifty clusters has some 150 kB. */
const MAX_BYTES = 256 * 1024;
/**
 * The parser takes time that grows with the square of some of these, and it has the only thread of the process meanwhile. A
 * kubeconfig has no anchors, aliases or tags; a password in it may begin with their signs.
 */
const LIMITS: readonly { what: string; pattern: RegExp; max: number }[] = [
  { what: 'lines', pattern: /\n/g, max: 10_000 },
  { what: 'separators', pattern: /[,[\]{}]/g, max: 20_000 },
  { what: 'anchors, aliases and tags', pattern: /(?<![^\s,[{])[&*!]/g, max: 20 },
  { what: 'signs of lists and keys', pattern: /(?<!\S)[-?](?!\S)|:(?!\S)/g, max: 20_000 },
];
const MAX_ENTRIES = 1_000;

/** Fields that name files, and what holds the same inline. */
const CLUSTER_FILES = { 'certificate-authority': 'certificate-authority-data' };
const USER_FILES = {
  'client-certificate': 'client-certificate-data',
  'client-key': 'client-key-data',
};

/**
 * The current context of a kubeconfig that has everything inline. As Flux does it, `insecure-skip-tls-verify` and `exec` are
 * passed over where the rules don't allow them, and so is `auth-provider`; a user who has nothing else is refused.
 * Throws KubeconfigError, which says what to correct and never quotes a credential.
 */
export function readInlineKubeconfig(text: string, rules: InlineRules): ClusterAccess {
  const document = documentIn(text);
  const clusters = entries(document, 'clusters', 'cluster');
  const users = entries(document, 'users', 'user');
  const contexts = entries(document, 'contexts', 'context');
  for (const it of clusters) refuseFiles('cluster', it, CLUSTER_FILES);
  for (const it of users) {
    refuseTokenFile(it);
    refuseFiles('user', it, USER_FILES);
  }
  const current = textOf(document, 'current-context');
  if (current === undefined) {
    throw new KubeconfigError('it has no current-context: set one with kubectl config use-context');
  }
  const { entry: context } = find(contexts, 'context', current);
  const cluster = find(clusters, 'cluster', textOf(context, 'cluster') ?? '');
  const userName = textOf(context, 'user');
  const user = userName === undefined ? undefined : find(users, 'user', userName);
  return {
    ...endpointIn(cluster, rules),
    ...(user === undefined ? { credentials: {} } : userIn(user, rules)),
  };
}

function documentIn(text: string): Fields {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw new KubeconfigError(`it has more than ${MAX_BYTES / 1024} KiB`);
  }
  for (const { what, pattern, max } of LIMITS) {
    if (hasMore(text, pattern, max)) throw new KubeconfigError(`it has more than ${max} ${what}`);
  }
  let document: unknown;
  try {
    // An alias could stand for any amount of data, and no tool writes aliases into a kubeconfig.
    document = parse(text, { maxAliasCount: 0, logLevel: 'error', uniqueKeys: false });
  } catch (error) {
    // The message of the parser quotes the line, which may hold a credential.
    const line = lineOf(error);
    throw new KubeconfigError(`it is no YAML without aliases${line && `: see line ${line}`}`);
  }
  if (!isFields(document)) throw new KubeconfigError('it is not a mapping');
  return document;
}

function hasMore(text: string, pattern: RegExp, max: number): boolean {
  let found = 0;
  for (const _ of text.matchAll(pattern)) if (++found > max) return true;
  return false;
}

function lineOf(error: unknown): string {
  if (!isFields(error) || !Array.isArray(error.linePos)) return '';
  const [start] = error.linePos;
  return isFields(start) && typeof start.line === 'number' ? String(start.line) : '';
}

function entries(document: Fields, list: string, field: string): NamedEntry[] {
  const found = namedEntries(document[list], field);
  if (found.length > MAX_ENTRIES) {
    throw new KubeconfigError(`it has more than ${MAX_ENTRIES} ${list}`);
  }
  return found;
}

function find(list: readonly NamedEntry[], what: string, name: string): NamedEntry {
  const found = list.find((it) => it.name === name);
  if (found === undefined) throw new KubeconfigError(`it has no ${what} ${JSON.stringify(name)}`);
  return found;
}

// The messages about files are Flux's.
function refuseFiles(what: string, { name, entry }: NamedEntry, files: Record<string, string>) {
  for (const [file, inline] of Object.entries(files)) {
    if (!isSet(entry[file])) continue;
    throw new KubeconfigError(
      `${what} '${name}' references a ${file} file, only ${inline} is supported`,
    );
  }
}

function refuseTokenFile({ name, entry }: NamedEntry) {
  if (!isSet(entry.tokenFile) && !isSet(entry['token-file'])) return;
  throw new KubeconfigError(
    `user '${name}' references a tokenFile, only an inline token is supported`,
  );
}

function endpointIn({ name, entry }: NamedEntry, { insecureTls }: InlineRules) {
  const server = textOf(entry, 'server');
  if (server === undefined) throw new KubeconfigError(`cluster '${name}' has no server`);
  const caData = textOf(entry, 'certificate-authority-data');
  const servername = textOf(entry, 'tls-server-name');
  const proxy = textOf(entry, 'proxy-url');
  const ca = caData === undefined ? undefined : pemIn(caData, `cluster '${name}'`);
  if (ca !== undefined) requireCertificate(ca, `cluster '${name}': certificate-authority-data`);
  const isSecure = URL.canParse(server) && new URL(server).protocol === 'https:';
  if (!isSecure && !insecureTls) {
    throw new KubeconfigError(
      `the server of cluster '${name}' has to be a URL with https:// (--insecure-kubeconfig-tls allows http://)`,
    );
  }
  return {
    server,
    insecure: insecureTls && entry['insecure-skip-tls-verify'] === true,
    ...(ca === undefined ? {} : { ca }),
    ...(servername === undefined ? {} : { servername }),
    ...(proxy === undefined ? {} : { proxy }),
  };
}

function userIn(user: NamedEntry, rules: InlineRules) {
  const { name, entry } = user;
  const credentials = credentialsIn(user);
  const exec = isFields(entry.exec) ? execIn(entry.exec, name) : undefined;
  if (Object.keys(credentials).length === 0) {
    if (exec !== undefined && !rules.exec) {
      throw new KubeconfigError(
        `user '${name}' has its credentials from a program (exec), which is refused: use a token, or spec.kubeConfig.configMapRef with a provider`,
      );
    }
    if (isFields(entry['auth-provider'])) {
      throw new KubeconfigError(
        `user '${name}' has its credentials from an auth-provider, which is refused: use a token, or spec.kubeConfig.configMapRef with a provider`,
      );
    }
  }
  return {
    credentials,
    ...impersonationOf(entry),
    ...(exec !== undefined && rules.exec ? { exec } : {}),
  };
}

function credentialsIn({ name, entry }: NamedEntry): Credentials {
  const token = textOf(entry, 'token')?.trim();
  const username = textOf(entry, 'username');
  const cert = textOf(entry, 'client-certificate-data');
  const key = textOf(entry, 'client-key-data');
  const pair = pairIn(name, cert, key);
  if (token !== undefined) return { ...pair, authorization: header(name, `Bearer ${token}`) };
  if (username === undefined) return pair;
  const login = Buffer.from(`${username}:${textOf(entry, 'password') ?? ''}`).toString('base64');
  return { ...pair, authorization: `Basic ${login}` };
}

/** A line break in a token could add headers of its own. */
function header(name: string, value: string): string {
  if (/^[\x20-\x7e]+$/.test(value)) return value;
  throw new KubeconfigError(`the token of user '${name}' has characters that no token has`);
}

function pairIn(name: string, cert: string | undefined, key: string | undefined): Credentials {
  if (cert === undefined && key === undefined) return {};
  if (cert === undefined || key === undefined) {
    throw new KubeconfigError(
      `user '${name}' needs client-certificate-data and client-key-data, both or neither`,
    );
  }
  const pair = { cert: pemIn(cert, `user '${name}'`), key: pemIn(key, `user '${name}'`) };
  try {
    createSecureContext(pair);
  } catch {
    throw new KubeconfigError(
      `user '${name}': client-certificate-data and client-key-data are no certificate with its key`,
    );
  }
  return pair;
}

function execIn(exec: Fields, user: string): ExecPlugin {
  const command = textOf(exec, 'command');
  const apiVersion = textOf(exec, 'apiVersion');
  if (command === undefined || apiVersion === undefined) {
    throw new KubeconfigError(`user '${user}': exec needs command and apiVersion`);
  }
  const args = Array.isArray(exec.args) ? exec.args.map(String) : [];
  const env = Array.isArray(exec.env) ? exec.env.filter(isFields) : [];
  return {
    command,
    apiVersion,
    args,
    env: env.map((it) => [String(it.name ?? ''), String(it.value ?? '')] as const),
    provideClusterInfo: exec.provideClusterInfo === true,
  };
}

function pemIn(base64: string, whose: string): string {
  // Base64 may be written in several lines.
  const compact = base64.replace(/\s/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) {
    throw new KubeconfigError(`${whose} has certificate data that is no base64`);
  }
  return Buffer.from(compact, 'base64').toString('utf8');
}

function requireCertificate(pem: string, what: string): void {
  try {
    new X509Certificate(pem);
  } catch {
    throw new KubeconfigError(`${what} is no certificate in PEM`);
  }
}

function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}
