import { GitError } from './errors.ts';

export interface RemoteUrl {
  /** The URL without user information: what git gets and what messages show. */
  url: string;
  username?: string;
  password?: string;
}

/**
 * Checks a repository's URL and takes the credentials out of it.
 * Only http, https and ssh are accepted; `file` too where `allowFile` says so (tests).
 * @throws GitError InvalidArgument
 */
export function parseRemoteUrl(text: string, allowFile = false): RemoteUrl {
  let parsed: URL;
  try {
    parsed = new URL(text);
  } catch (cause) {
    throw new GitError('InvalidArgument', 'cannot parse url: it must be like https://host/path', {
      cause,
    });
  }
  const schemes = ['http:', 'https:', 'ssh:', ...(allowFile ? ['file:'] : [])];
  if (!schemes.includes(parsed.protocol)) {
    throw new GitError(
      'InvalidArgument',
      `unsupported url scheme '${parsed.protocol.slice(0, -1)}': use http, https or ssh`,
    );
  }
  const username = decodeUserInfo(parsed.username);
  const password = decodeUserInfo(parsed.password);
  if (parsed.protocol === 'ssh:') checkSshUrl(parsed, username);
  if (parsed.username === '' && parsed.password === '') return { url: text };
  parsed.username = '';
  parsed.password = '';
  return {
    url: parsed.href,
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
  };
}

/**
 * Checks what of an ssh:// URL becomes configuration of ssh, where a space or a quote would begin another setting: URLs of
 * this scheme may hold nearly any character in their host (WHATWG URL, opaque hosts).
 */
function checkSshUrl({ hostname, pathname }: URL, username: string): void {
  const fail = (what: string): never => {
    throw new GitError('InvalidArgument', `cannot parse url: ${what}`);
  };
  const isName = /^[a-z0-9_]([a-z0-9._-]*[a-z0-9_.])?$/i.test(hostname) && hostname.length <= 253;
  if (!isName && !/^\[[0-9a-f:.]+\]$/i.test(hostname)) fail('the host is no name and no address');
  if (username !== '' && !/^[a-z0-9_][a-z0-9._@+-]{0,127}$/i.test(username)) {
    fail('the user may hold letters, digits and the characters . _ @ + - only');
  }
  if (pathname === '' || pathname === '/') fail('it names no repository');
}

function decodeUserInfo(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new GitError(
      'InvalidArgument',
      'cannot parse url: the user information is not percent-encoded correctly',
      { cause },
    );
  }
}

/**
 * Checks a full reference name as `git check-ref-format` does, so that it can neither be taken for an option nor
 * for a revision expression or a pattern (https://git-scm.com/docs/git-check-ref-format).
 * @throws GitError InvalidArgument
 */
export function checkRefName(ref: string): string {
  const name = ref.endsWith('^{}') ? ref.slice(0, -3) : ref;
  const components = name.split('/');
  const bad =
    name === '' ||
    name.startsWith('-') ||
    name.endsWith('.') ||
    name === '@' ||
    name.includes('..') ||
    name.includes('@{') ||
    hasForbiddenCharacter(name) ||
    components.some((part) => part === '' || part.startsWith('.') || part.endsWith('.lock'));
  if (bad) {
    throw new GitError(
      'InvalidArgument',
      `ref ${ref} is invalid: it is not a well-formed reference name`,
    );
  }
  return ref;
}

function hasForbiddenCharacter(name: string): boolean {
  return [...name].some((character) => {
    const code = character.codePointAt(0) ?? 0;
    return code <= 0x20 || code === 0x7f || '~^:?*[\\'.includes(character);
  });
}

/**
 * Checks a full commit id (SHA-1 or SHA-256 in hex).
 * @throws GitError InvalidArgument
 */
export function checkCommitId(commit: string): string {
  if (/^([0-9a-f]{40}|[0-9a-f]{64})$/i.test(commit)) return commit.toLowerCase();
  throw new GitError(
    'InvalidArgument',
    `unable to resolve commit object for '${commit}': give the full commit id of 40 hexadecimal digits`,
  );
}
