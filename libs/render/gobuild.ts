import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  access,
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { withLock } from './lock.ts';

export interface GoBuildOptions {
  /** The name of the binary. */
  name: string;
  /** The folder with go.mod and go.sum. */
  module: string;
  /** The package to build: `.` unless given, or an import path of a dependency. */
  package?: string;
  /** `-ldflags`, or a function that returns them for the hash that the binary is kept under. `-s -w` unless given. */
  ldflags?: string | ((hash: string) => string);
  /** `-tags`. */
  tags?: string[];
  /** Compiles C code too, for which a C compiler has to be installed. */
  cgo?: boolean;
  /**
   * Files that `package` embeds but that `module`, which it is in, lacks as published. Empty ones are put into a copy
   * of that module, whose path inside it each of `files` is.
   */
  embeds?: { module: string; files: string[] };
  /** Where binaries are kept; `WEIR_CACHE`, `$XDG_CACHE_HOME/weir` or `~/.cache/weir` unless given. */
  cacheDir?: string;
  /** Receives progress lines for people to read. Not called when nothing has to be built. */
  onProgress?: (line: string) => void;
  signal?: AbortSignal;
}

/** A build that failed. Reasons: `GoMissing`, `GoBuildFailed`, `Aborted`. */
export class GoBuildError extends Error {
  readonly reason: string;

  constructor(reason: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'GoBuildError';
    this.reason = reason;
  }
}

/**
 * Builds a Go program once per machine and version of its sources, and returns the binary's path.
 * The sources are the module's own files (tests aside) with its go.mod and go.sum, and those of the modules beside it
 * that its go.mod takes in place of published ones, so that a change to any of them builds anew. Several processes may ask at
 * the same time: one builds, the others wait.
 * Rejects with a {@link GoBuildError}.
 */
export async function goBuild(options: GoBuildOptions): Promise<string> {
  const { name, signal, cacheDir = cacheFolder() } = options;
  try {
    return await findOrBuild(options, cacheDir);
  } catch (error) {
    if (error instanceof GoBuildError) throw error;
    if (signal?.aborted) throw new GoBuildError('Aborted', `building ${name} was aborted`, error);
    const problem = error instanceof Error ? error.message : String(error);
    const advice = 'WEIR_CACHE names another folder for it';
    throw new GoBuildError(
      'GoBuildFailed',
      `can't build ${name} into ${cacheDir}: ${problem}; ${advice}`,
      error,
    );
  }
}

async function findOrBuild(options: GoBuildOptions, cacheDir: string): Promise<string> {
  const { name, onProgress, signal } = options;
  const hash = await sourceHash(options);
  const binary = join(cacheDir, 'bin', `${name}-${hash.slice(0, 20)}`);
  const isDone = (): Promise<boolean> => exists(binary);
  if (await isDone()) return binary;
  const onWait = (): void => onProgress?.(`${name}: another process is building it, waiting`);
  await withLock(`${binary}.lock`, { isDone, onWait, signal }, async () => {
    const unfinished = `${binary}.${randomUUID()}`;
    try {
      await compileWithEmbeds(options, hash, unfinished);
      await chmod(unfinished, 0o755);
      await rename(unfinished, binary);
    } finally {
      await rm(unfinished, { force: true });
    }
  });
  return binary;
}

/** The folder for what can be made again: `WEIR_CACHE`, else weir's own below the user's cache. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.WEIR_CACHE) return env.WEIR_CACHE;
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'weir');
}

async function sourceHash(options: GoBuildOptions): Promise<string> {
  const hash = createHash('sha256');
  const { package: target = '.', ldflags, tags = [], embeds = null, cgo } = options;
  const flags = typeof ldflags === 'function' ? ldflags('') : ldflags;
  hash.update(JSON.stringify([process.platform, process.arch, target, flags, tags, embeds]));
  if (cgo) hash.update('cgo');
  for (const module of [options.module, ...(await modulesBeside(options.module))]) {
    for (const file of await sourceFiles(module)) {
      hash.update(`\0${relative(options.module, file)}\0`);
      hash.update(await readFile(file));
    }
  }
  return hash.digest('hex');
}

/** The folders of the modules that a go.mod replaces by a path: `replace example.org/a => ../a`. */
async function modulesBeside(module: string): Promise<string[]> {
  const text = await readFile(join(module, 'go.mod'), 'utf8');
  return [...text.matchAll(/=> (\.\.?\/\S+)$/gm)].map(([, path]) => resolve(module, path ?? ''));
}

async function sourceFiles(module: string): Promise<string[]> {
  const entries = await readdir(module, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('_test.go'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !relative(module, file).split('/').includes('testdata'))
    .sort();
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}

/** Compiles; where files to embed are missing, in a scratch folder with a copy of the module that has them. */
async function compileWithEmbeds(
  options: GoBuildOptions,
  hash: string,
  output: string,
): Promise<void> {
  const { embeds, module } = options;
  if (embeds === undefined) return compile(options, hash, output);
  const scratch = await mkdtemp(join(dirname(output), 'module-'));
  try {
    const folder = await go(options, ['mod', 'download', '-json', embeds.module]);
    const published = (JSON.parse(folder) as { Dir: string }).Dir;
    await cp(module, scratch, { recursive: true });
    await cp(published, join(scratch, 'completed'), { recursive: true });
    // Go's module cache is read-only, and so is a copy of it.
    await makeWritable(join(scratch, 'completed'));
    for (const file of embeds.files) {
      const path = join(scratch, 'completed', file);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, '');
    }
    const completed = { ...options, module: scratch };
    await go(completed, ['mod', 'edit', `-replace=${embeds.module}=./completed`]);
    await compile(completed, hash, output);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
  }
}

async function compile(options: GoBuildOptions, hash: string, output: string): Promise<void> {
  const { name, ldflags = '-s -w', tags, onProgress } = options;
  const target = options.package ?? '.';
  const flags = typeof ldflags === 'function' ? ldflags(hash) : ldflags;
  const args = ['build', '-v', '-trimpath', '-buildvcs=false', `-ldflags=${flags}`, '-o', output];
  if (tags?.length) args.push(`-tags=${tags.join(',')}`);
  const started = Date.now();
  onProgress?.(`${name}: building from Go sources, this happens once`);
  const total = await countPackages(options, target);
  let built = 0;
  let reported = Date.now();
  await go(options, [...args, target], () => {
    built++;
    if (Date.now() - reported < 5_000) return;
    reported = Date.now();
    onProgress?.(`${name}: ${built} of at most ${total} packages compiled`);
  });
  onProgress?.(`${name}: built in ${Math.round((Date.now() - started) / 1000)} s`);
}

/** How many packages a build may have to compile; also downloads the modules. */
async function countPackages(options: GoBuildOptions, target: string): Promise<number> {
  const list = await go(options, ['list', '-deps', target]);
  return list.split('\n').length - 1;
}

/** Runs the go command and returns its output. `onLine` receives each line of progress. */
async function go(options: GoBuildOptions, args: string[], onLine?: () => void): Promise<string> {
  const { name, module, cgo = false, signal } = options;
  const child = spawn('go', args, {
    cwd: module,
    env: { ...process.env, CGO_ENABLED: cgo ? '1' : '0', GOTOOLCHAIN: 'local', GOWORK: 'off' },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal && { signal }),
  });
  const said: string[] = [];
  let output = '';
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      said.push(line);
      onLine?.();
    }
  });
  const code = await exitCode(child, name, signal);
  if (code !== 0) {
    const lastWords = [...said, rest].slice(-20).join('\n').trim();
    throw new GoBuildError('GoBuildFailed', `go ${args[0]} of ${name} failed:\n${lastWords}`);
  }
  return output;
}

function exitCode(child: ChildProcess, name: string, signal?: AbortSignal): Promise<number | null> {
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on('close', resolve);
  child.on('error', (cause) => {
    const advice = 'install Go 1.26 or newer (https://go.dev/dl) and have it on PATH';
    const missing = new GoBuildError(
      'GoMissing',
      `can't run go to build ${name}: ${advice}`,
      cause,
    );
    reject(signal?.aborted ? cause : missing);
  });
  return promise;
}
