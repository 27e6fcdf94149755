// Submodules: other repositories, of which a tree names commits. All data about them comes from the repository and is
// not trusted.
import { Readable } from 'node:stream';
import { parseRemoteUrl } from './arguments.ts';
import type { GitAuth } from './auth.ts';
import { gitEnvironment } from './environment.ts';
import { GitError } from './errors.ts';
import { fetchCommit } from './fetch.ts';
import { folderSize } from './growth.ts';
import { defaultGitLimits } from './limits.ts';
import { cleanLine, mask } from './mask.ts';
import { type ObjectReader, wholeContent, withObjects } from './objects.ts';
import { streamProcess } from './process.ts';
import type { RemoteOptions, Slot } from './remote.ts';
import { listTree, MAX_PATHS_BYTES, readFiles, type TreeEntry } from './tree.ts';

export interface SubmoduleOptions extends Omit<RemoteOptions, 'slot'> {
  /** The bare repository that holds the commit; the commits of submodules are fetched into it too. */
  dir: string;
  commit: string;
  maxFiles: number;
  /** The slot for a conversation with a server, and for reading the result. */
  slotFor: (url: string) => Slot;
}

/** The number of repositories, and how deep submodules may be nested, as in go-git. */
const MAX_SUBMODULES = 64;
const MAX_DEPTH = 10;
/** `.gitmodules` takes about 100 bytes for each. */
const MAX_MODULES_BYTES = 64 * 1024;

interface Pending {
  url: string;
  auth: GitAuth | undefined;
  commit: string;
  /** Where its files go: '' for the repository itself, else a path with '/' at its end. */
  prefix: string;
  depth: number;
}

/**
 * Lists the files of a commit and of all submodules below it, whose commits are fetched. Only http, https and ssh URLs
 * are followed, relative ones within the server; credentials are sent to the server of the repository only. `timeoutMs`
 * and the limits are for all of them together.
 * @throws GitError InvalidArgument for a URL that isn't followed; LimitExceeded; what fetchCommit throws
 */
export async function listWithSubmodules(options: SubmoduleOptions): Promise<TreeEntry[]> {
  const { dir, maxFiles, signal, slotFor } = options;
  const root = parseRemoteUrl(options.url, options.allowFile).url;
  const limits = { ...defaultGitLimits, ...options.limits };
  const end = performance.now() + options.timeoutMs;
  const timeLeft = () => Math.max(1, Math.ceil(end - performance.now()));
  const { bytes: before } = await folderSize(dir, Number.POSITIVE_INFINITY);
  const { auth } = options;
  const pending: Pending[] = [{ url: root, auth, commit: options.commit, prefix: '', depth: 0 }];
  const entries: TreeEntry[] = [];
  let count = 0;
  let pathBytes = 0;
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    const { url, commit, prefix, depth } = next;
    if (depth > 0) {
      const { bytes } = await folderSize(dir, Number.POSITIVE_INFINITY);
      const fileBytes = limits.fileBytes - (bytes - before);
      if (fileBytes <= 0)
        throw tooMuch(`more than ${limits.fileBytes} bytes (--git-max-pack-bytes)`);
      await fetchCommit({
        ...{ ...options, url, commit, auth: next.auth, slot: slotFor(url) },
        ...{ keep: `submodule ${url}`, timeoutMs: timeLeft(), limits: { ...limits, fileBytes } },
      }).catch((cause: unknown) => {
        if (!(cause instanceof GitError)) throw cause;
        throw new GitError(cause.reason, `submodule ${shownPath(prefix)}: ${cause.message}`, {
          cause,
        });
      });
    }
    const reading = { dir, timeoutMs: timeLeft(), signal, limits };
    const { files, modules } = await slotFor(url)(() =>
      withObjects(reading, (objects) =>
        readModules(objects, commit, maxFiles - entries.length, reading),
      ),
    );
    for (const file of files) {
      const path = `${prefix}${file.path}`;
      pathBytes += Buffer.byteLength(path);
      if (pathBytes > MAX_PATHS_BYTES) throw tooMuch(`paths of more than ${MAX_PATHS_BYTES} bytes`);
      entries.push({ ...file, path });
    }
    for (const module of modules) {
      const path = `${prefix}${module.path}/`;
      if (depth >= MAX_DEPTH)
        throw tooMuch(`submodules more than ${MAX_DEPTH} deep, ${shownPath(path)} among them`);
      if (++count > MAX_SUBMODULES) throw tooMuch(`more than ${MAX_SUBMODULES} submodules`);
      const target = submoduleUrl(url, module.url, path, options.allowFile);
      const own = authFor(options.url, target, options.auth);
      pending.push({
        ...{ url: target, auth: own },
        commit: module.commit,
        prefix: path,
        depth: depth + 1,
      });
    }
  }
  return entries;
}

function tooMuch(what: string): GitError {
  return new GitError('LimitExceeded', `the repository has ${what}`);
}

/** What messages call a path of the repository's choice. */
function shownPath(path: string): string {
  return `'${cleanLine(path.replace(/\/$/, ''), 100)}'`;
}

interface Module {
  path: string;
  url: string;
  commit: string;
}

type Reading = Parameters<typeof withObjects>[0];

/** The files of a commit, and those submodules that both its folders and its `.gitmodules` name. */
async function readModules(
  objects: ObjectReader,
  commit: string,
  maxFiles: number,
  reading: Reading,
): Promise<{ files: TreeEntry[]; modules: Module[] }> {
  const commits = new Map<string, string>();
  const files = await listTree(objects, commit, maxFiles, commits);
  const listed = files.find(({ path }) => path === '.gitmodules');
  if (listed === undefined || commits.size === 0) return { files, modules: [] };
  const modules: Module[] = [];
  for await (const file of readFiles(objects, [listed])) {
    const text = await wholeContent(file, MAX_MODULES_BYTES, "'.gitmodules'");
    for (const { path, url } of await parseModules(text, reading)) {
      const wanted = commits.get(path);
      // A submodule that is listed twice counts once.
      commits.delete(path);
      if (wanted !== undefined) modules.push({ path, url, commit: wanted });
    }
  }
  return { files, modules };
}

/** Reads `.gitmodules` as git does (git-config, without its includes). */
async function parseModules(
  text: Buffer,
  { timeoutMs, signal, limits }: Reading,
): Promise<{ path: string; url: string }[]> {
  const doing = "unable to read '.gitmodules'";
  const output = streamProcess({
    ...{ doing, args: ['config', '--file', '-', '--no-includes', '--list', '-z'], cwd: '/' },
    ...{ env: gitEnvironment({}), input: Readable.from([text]), timeoutMs, signal, limits },
  });
  const chunks: Buffer[] = [];
  for await (const chunk of output) chunks.push(chunk);
  const modules = new Map<string, { path?: string; url?: string }>();
  for (const setting of Buffer.concat(chunks).toString('utf8').split('\0')) {
    const match = /^submodule\.([^\n]*)\.(path|url)\n(.*)$/s.exec(setting);
    if (match === null) continue;
    const [, name = '', key = '', value = ''] = match;
    modules.set(name, { ...modules.get(name), [key]: value });
  }
  return [...modules.values()].flatMap(({ path, url }) =>
    path === undefined || url === undefined ? [] : [{ path: path.replace(/\/+$/, ''), url }],
  );
}

/**
 * The URL of a submodule: relative to that of the repository that names it (gitmodules(5)), `user@host:path` of ssh, or as
 * it is.
 * @throws GitError InvalidArgument for a local path, an option, or another scheme than http, https and ssh
 */
export function submoduleUrl(parent: string, url: string, path: string, allowFile = false): string {
  try {
    const absolute = absoluteUrl(parent, url);
    parseRemoteUrl(absolute, allowFile);
    return absolute;
  } catch (cause) {
    const shown = cleanLine(mask(url, []), 200);
    const why = `its url '${shown}' is not followed: only http, https and ssh are, and relative ones`;
    throw new GitError('InvalidArgument', `submodule ${shownPath(path)}: ${why}`, { cause });
  }
}

function absoluteUrl(parent: string, url: string): string {
  if (/^\.\.?\//.test(url)) return relativeTo(parent, url);
  const [, user = '', host, path] = /^([\w.-]+@)?([\w.-]+):(?!\/\/)([^:\\]+)$/.exec(url) ?? [];
  const isScp = host !== undefined && !host.startsWith('-') && !url.includes('://');
  return isScp ? `ssh://${user}${host}/${path}` : url;
}

/** '../' removes one part of the parent's path, but never its host. */
function relativeTo(parent: string, url: string): string {
  const base = new URL(parent);
  const parts = base.pathname.split('/').filter((part) => part !== '');
  for (const part of url.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) throw new Error('it leads out of the server');
  }
  base.pathname = `/${parts.join('/')}`;
  base.search = '';
  base.hash = '';
  return base.href;
}

/** The credentials for a submodule: none for another server; certificates that are trusted are no secret. */
function authFor(root: string, url: string, auth: GitAuth | undefined): GitAuth | undefined {
  const [own, other] = [new URL(root), new URL(url)];
  const isSame = own.protocol === other.protocol && own.host === other.host;
  if (!isSame) return auth?.caFile === undefined ? undefined : { caFile: auth.caFile };
  if (auth?.ssh === undefined || other.username === '') return auth;
  return { ...auth, ssh: { ...auth.ssh, user: other.username } };
}
