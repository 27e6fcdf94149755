import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { withLock } from './lock.ts';

export interface GoBuild {
  /** File name of the binary. */
  name: string;
  /** Shown to people, part of the cache folder's name. */
  version: string;
  /** Folder that holds go.mod and go.sum. */
  moduleDir: string;
  /** What to build: an import path or `./cmd/x`. */
  package: string;
  /** `-X importpath.name=value` flags; symbols are stripped in any case. */
  ldflags?: string[];
  /** More files whose content the binary depends on (sources of the module itself). */
  sources?: string[];
}

export interface GoBuildOptions {
  /** Cache folder; default `cacheFolder()`. */
  cache?: string;
  /** Gets a line a step; default: stderr. */
  progress?: (line: string) => void;
  /** Shown in the progress lines, such as `2 of 7`. */
  position?: string;
}

/** Where built binaries are kept: `$WEIR_CACHE`, else `weir` in the user's cache folder (XDG base directory specification). */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env.WEIR_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'weir');
}

/**
 * Path of the binary, built if the cache has none for this version, module (go.mod, go.sum), flags and platform.
 *
 * The result appears under its name only when it is complete, and of several processes that ask at the same time one
 * builds while the others wait. Throws with the compiler's output when the build fails.
 */
export async function goBuild(build: GoBuild, options: GoBuildOptions = {}): Promise<string> {
  const cache = options.cache ?? cacheFolder();
  const progress = options.progress ?? ((line: string) => console.error(line));
  const folder = join(cache, 'bin', `${build.name}-${build.version}-${await cacheKey(build)}`);
  const binary = join(folder, build.name);
  if (await exists(binary)) return binary;
  const waiting = (holder: number): void =>
    progress(
      `waiting for process ${holder}, which is building, before ${build.name} ${build.version}`,
    );
  return withLock(
    join(cache, 'go-build.lock'),
    async () => {
      if (await exists(binary)) return binary;
      const position = options.position === undefined ? '' : ` (${options.position})`;
      const title = `${build.name} ${build.version}${position}`;
      const started = performance.now();
      const seconds = (): string => `${Math.round((performance.now() - started) / 1000)} s`;
      progress(`building ${title} ...`);
      const ticking = setInterval(() => progress(`building ${title} ... ${seconds()}`), 30_000);
      const unfinished = `${folder}.${process.pid}.tmp`;
      try {
        await compile(build, join(unfinished, build.name));
        // The target is there already if another process took a stale lock over and was faster.
        if (!(await exists(binary))) await rename(unfinished, folder);
      } finally {
        clearInterval(ticking);
        await rm(unfinished, { recursive: true, force: true });
      }
      progress(`built ${title}, took ${seconds()}`);
      return binary;
    },
    waiting,
  );
}

function linkerFlags(build: GoBuild): string {
  return ['-s', '-w', ...(build.ldflags ?? [])].join(' ');
}

async function cacheKey(build: GoBuild): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([build.package, linkerFlags(build), process.platform, process.arch]));
  const files = ['go.mod', 'go.sum'].map((file) => join(build.moduleDir, file));
  for (const file of [...files, ...(build.sources ?? []).toSorted()]) {
    hash.update(await readFile(file));
    hash.update('\0');
  }
  return hash.digest('hex').slice(0, 12);
}

async function compile(build: GoBuild, output: string): Promise<void> {
  await mkdir(join(output, '..'), { recursive: true });
  const flags = ['-trimpath', '-buildvcs=false', `-ldflags=${linkerFlags(build)}`, '-o', output];
  // What the machine's Go environment says about workspaces or other toolchains must not change the result.
  const env = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off' };
  const go = spawn('go', ['build', ...flags, build.package], {
    cwd: build.moduleDir,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const keep = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-20_000);
  };
  go.stdout.on('data', keep);
  go.stderr.on('data', keep);
  const code = await new Promise<number | null>((resolve, reject) => {
    go.on('error', reject);
    go.on('close', resolve);
  }).catch((cause: unknown) => {
    throw new Error(
      `cannot run go to build ${build.name}: install Go 1.26 or newer and put it on PATH`,
      { cause },
    );
  });
  if (code !== 0) throw new Error(`go build of ${build.name} ${build.version} failed:\n${said}`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
