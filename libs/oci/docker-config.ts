import { OciError } from './errors.ts';
import { matchesGlob } from './glob.ts';
import { formatRepository, type Repository } from './reference.ts';

/** Credentials: a name and a password, a refresh token of OAuth 2, or a bearer token. */
export type Credentials =
  | { username: string; password: string }
  | { identityToken: string }
  | { registryToken: string };

/** Credentials, with the repositories that they are for. */
export interface RegistryCredentials {
  /** Host, with wildcards, port and the beginning of the repositories' paths: `*.example.com:5000/org`. */
  pattern: string;
  credentials: Credentials | undefined;
}

/** The parts of a Secret that are used. */
export interface PullSecret {
  /** `kubernetes.io/dockerconfigjson` or `kubernetes.io/dockercfg`; others have no credentials of registries. */
  type: string | undefined;
  data: ReadonlyMap<string, Buffer>;
  /** For messages. */
  name: string;
}

const CONFIG_JSON = { type: 'kubernetes.io/dockerconfigjson', key: '.dockerconfigjson' };
const CONFIG_OLD = { type: 'kubernetes.io/dockercfg', key: '.dockercfg' };

/**
 * The credentials in a pull secret, in any form that Kubernetes accepts.
 * @throws OciError InvalidConfiguration; its message has nothing of the content
 */
export function readPullSecret({ type, data, name }: PullSecret): RegistryCredentials[] {
  const form = [CONFIG_JSON, CONFIG_OLD].find((known) => known.type === type);
  const content = form && data.get(form.key);
  if (form === undefined || content === undefined || content.length === 0) return [];
  const where = `'${form.key}' of secret '${name}'`;
  const config = asRecord(parseJson(content.toString('utf8'), where), where);
  const auths = form === CONFIG_JSON ? (config.auths ?? {}) : config;
  return Object.entries(asRecord(auths, where)).map(([host, entry]) => ({
    pattern: patternOf(host, where),
    credentials: credentialsOf(asRecord(entry ?? {}, where), where),
  }));
}

/**
 * The credentials for a repository. The longest pattern is used; of equal ones the first.
 * @param secrets in the order of their precedence
 */
export function credentialsFor(
  repository: Repository,
  secrets: readonly RegistryCredentials[],
): Credentials | undefined {
  const name = formatRepository(repository);
  // Docker Hub has two names, and both are in use.
  const names = [name, name.replace(/^index\.docker\.io\//, 'docker.io/')];
  // Sorted as in Kubernetes: in reverse, so that a path comes before the host alone.
  const sorted = [...secrets].sort((a, b) =>
    a.pattern < b.pattern ? 1 : a.pattern > b.pattern ? -1 : 0,
  );
  return sorted.find(({ pattern }) => names.some((it) => matchesPattern(pattern, it)))?.credentials;
}

function matchesPattern(pattern: string, target: string): boolean {
  const wanted = splitName(pattern);
  const given = splitName(target);
  return (
    wanted.port === given.port &&
    wanted.labels.length === given.labels.length &&
    given.path.startsWith(wanted.path) &&
    wanted.labels.every((label, index) => matchesGlob(label, given.labels[index] ?? ''))
  );
}

function splitName(name: string): { labels: string[]; port: string; path: string } {
  const slash = name.indexOf('/');
  const authority = slash < 0 ? name : name.slice(0, slash);
  const port = /:(\d+)$/.exec(authority)?.[1] ?? '';
  const host = port === '' ? authority : authority.slice(0, -port.length - 1);
  return { labels: host.split('.'), port, path: slash < 0 ? '' : name.slice(slash) };
}

/** The key of an entry without scheme; `/v1/` and `/v2/` mean the host (Docker's ResolveAuthConfig). */
function patternOf(host: string, where: string): string {
  const plain = host.replace(/^https?:\/\//, '');
  const slash = plain.indexOf('/');
  const authority = slash < 0 ? plain : plain.slice(0, slash);
  const path = (slash < 0 ? '' : plain.slice(slash)).replace(/^\/v[12](?=\/)/, '');
  if (authority === '' || /[\s@]/.test(authority)) {
    throw invalid(`${where} has an entry whose key is no registry`);
  }
  return `${authority.toLowerCase()}${path === '/' ? '' : path}`;
}

function credentialsOf(entry: Record<string, unknown>, where: string): Credentials | undefined {
  const text = (key: string) => {
    const value = entry[key] ?? '';
    if (typeof value !== 'string') throw invalid(`${where} has a '${key}' that is no text`);
    return value;
  };
  const auth = text('auth');
  const [username, password] =
    auth === '' ? [text('username'), text('password')] : decodeAuth(auth, where);
  const registryToken = text('registrytoken');
  if (registryToken !== '') return { registryToken };
  // Docker writes `<token>` as the name when the password is a token.
  const identityToken = text('identitytoken') || (username === '<token>' ? password : '');
  if (identityToken !== '') return { identityToken };
  return username === '' && password === '' ? undefined : { username, password };
}

function decodeAuth(auth: string, where: string): [username: string, password: string] {
  const text = auth.replace(/\s/g, '');
  const isBase64 = /^[A-Za-z0-9+/]*={0,2}$/.test(text);
  const decoded = Buffer.from(text, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (!isBase64 || colon < 0) {
    throw invalid(`${where} has an 'auth' that is not base64 of username:password`);
  }
  return [decoded.slice(0, colon), decoded.slice(colon + 1)];
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the content, which is secret.
    throw invalid(`${where} is no JSON`);
  }
}

function asRecord(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${where} is no Docker configuration: an object is expected`);
  }
  return value as Record<string, unknown>;
}

function invalid(message: string): OciError {
  return new OciError('InvalidConfiguration', message);
}
