import { run } from './exec.ts';

/**
 * The new content of a file as text or bytes, `null` to delete it, or content with a Git mode: 100755 for an executable
 * file, 120000 for a symbolic link whose target is the content.
 */
export type FileChange =
  | string
  | Buffer
  | null
  | { content: string | Buffer; mode: '100644' | '100755' | '120000' };

export interface CommitOptions {
  /** `main` unless given. A missing branch is created. */
  branch?: string;
  message?: string;
  /** A lightweight tag for the new commit. An existing tag of this name is moved. */
  tag?: string;
  author?: { name: string; email: string };
  /** The date of author and committer; now unless given. */
  date?: Date;
  /** The parent commit in place of the branch's last one, or `null` for none. The branch is rewritten as by a forced push. */
  parent?: string | null;
}

/**
 * The environment for Git commands, in which neither the machine's Git configuration nor the caller's repository has an
 * effect. `config` takes effect as with `git -c`.
 */
export function gitEnvironment(config: Record<string, string> = {}): Record<string, string> {
  const entries = Object.entries({ 'safe.directory': '*', 'gc.auto': '0', ...config });
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_COUNT: String(entries.length),
  };
  for (const [index, [key, value]] of entries.entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return env;
}

/** Runs git in a repository and returns its output without the last line break. Throws with git's stderr when it fails. */
export async function git(dir: string, args: string[], input?: string | Buffer): Promise<string> {
  const result = await run('git', args, {
    cwd: dir,
    env: gitEnvironment(),
    ...(input === undefined ? {} : { input }),
  });
  if (result.code !== 0) throw new Error(`git ${args[0]} failed: ${result.stderr.trim()}`);
  return result.stdout.trimEnd();
}

/** Makes an empty bare repository whose HEAD is `main`. */
export async function initRepository(dir: string): Promise<void> {
  await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', dir]);
}

/**
 * Adds a commit to a bare repository by `git fast-import`, which needs no work tree and takes a few ms. Files that are not
 * named stay as they are. Returns the commit's SHA-1.
 */
export async function commitFiles(
  dir: string,
  files: Record<string, FileChange>,
  options: CommitOptions = {},
): Promise<string> {
  const ref = `refs/heads/${options.branch ?? 'main'}`;
  const parent = options.parent === undefined ? await tipOf(dir, ref) : options.parent;
  const lines = [
    ...commitCommand(ref, parent, options),
    ...Object.entries(files).flatMap(([path, change]) => fileCommand(path, change)),
    '\n',
    ...(options.tag === undefined ? [] : [`reset refs/tags/${options.tag}\nfrom :1\n\n`]),
    'get-mark :1\n',
    'done\n',
  ];
  const input = Buffer.concat(
    lines.map((line) => (typeof line === 'string' ? Buffer.from(line) : line)),
  );
  return git(dir, ['fast-import', '--quiet', '--force', '--done'], input);
}

async function tipOf(dir: string, ref: string): Promise<string | null> {
  const found = await git(dir, ['for-each-ref', '--format=%(objectname)', ref]);
  return found === '' ? null : found;
}

function commitCommand(
  ref: string,
  parent: string | null,
  options: CommitOptions,
): (string | Buffer)[] {
  const { name, email } = options.author ?? { name: 'Test', email: 'test@example.com' };
  const seconds = Math.floor((options.date?.getTime() ?? Date.now()) / 1000);
  const who = `${name} <${email}> ${seconds} +0000`;
  // Without this the commit would get the branch's tip as its parent.
  const reset = parent === null ? [`reset ${ref}\n\n`] : [];
  return [
    ...reset,
    `commit ${ref}\nmark :1\nauthor ${who}\ncommitter ${who}\n`,
    ...data(options.message ?? 'Change files'),
    ...(parent === null ? [] : [`from ${parent}\n`]),
  ];
}

function fileCommand(path: string, change: FileChange): (string | Buffer)[] {
  if (change === null) return [`D ${quote(path)}\n`];
  const plain = typeof change === 'string' || Buffer.isBuffer(change);
  const { content, mode } = plain ? { content: change, mode: '100644' } : change;
  return [`M ${mode} inline ${quote(path)}\n`, ...data(content)];
}

function data(content: string | Buffer): (string | Buffer)[] {
  return [`data ${Buffer.byteLength(content)}\n`, content, '\n'];
}

/** A path as fast-import reads it: a path that it would misread is quoted as a C string. */
function quote(path: string): string {
  if (!/^"|[\n\\]/.test(path)) return path;
  return `"${path.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}
