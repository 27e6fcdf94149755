import { ForgeError } from './errors.ts';

/** A repository of a forge, parsed from the address that Git or a browser shows. */
export interface ForgeRepository {
  /** `https://host:port`, by which the API is reached. */
  origin: string;
  /** `host:port`, or `host`. */
  host: string;
  /** Without `.git` and slashes around: `owner/name`, or more. */
  path: string;
  /** The address as it was given. */
  address: string;
}

/** `user@host:path`, as Git's ssh has it. */
const SCP = /^(?:[\w.+-]+@)?([\w.-]+):(?!\/\/)(.+)$/;

/**
 * Parses the address of a repository. For an ssh address the API is reached by https.
 * @throws ForgeError for what is no http, https or ssh address; the message doesn't repeat it
 */
export function parseRepository(address: string): ForgeRepository {
  const url = URL.parse(address.includes('://') ? address : address.replace(SCP, 'ssh://$1/$2'));
  if (url === null || !/^(https?|ssh):$/.test(url.protocol) || url.hostname === '') {
    throw new ForgeError(
      'the address is not that of a repository: it must be like https://host/owner/name',
    );
  }
  // The port of ssh is not that of the API.
  const host = url.protocol === 'ssh:' ? url.hostname : url.host;
  const origin = `${url.protocol === 'http:' ? 'http' : 'https'}://${host}`;
  const path = decodeURIComponent(url.pathname)
    .replace(/^\/+|\/+$/g, '')
    .replace(/\.git$/, '');
  return { origin, host, path, address };
}

/**
 * The two parts of `owner/name`.
 * @throws ForgeError for any other path, and for parts that would change the URL in which they are used
 */
export function ownerAndName({ path }: ForgeRepository): { owner: string; name: string } {
  const [owner = '', name = '', ...more] = path.split('/');
  const isPart = (text: string) => /^[\w.~-]{1,255}$/.test(text) && !/^\.+$/.test(text);
  if (more.length > 0 || !isPart(owner) || !isPart(name)) {
    throw new ForgeError(`invalid repository id: '${path}'`);
  }
  return { owner, name };
}

/** @throws ForgeError for what is no hexadecimal id of a commit */
export function checkCommit(commit: string): string {
  if (/^[0-9a-f]{4,128}$/i.test(commit)) return commit;
  throw new ForgeError('the revision names no commit');
}
