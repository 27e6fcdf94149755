import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '@weir/cluster';
import { buildEngine } from '@weir/render';
import { cacheFolder } from '@weir/render/gobuild';

const ENTRY = join(import.meta.dirname, '../../services/host/run.ts');
/**
 * The settings of Node in the chart's containers: those of the image (Dockerfile), and the heap limit that Node chooses
 * for 1 GiB of memory. MALLOC_ARENA_MAX is needed for glibc only, which keeps several heaps for threads; the image has
 * musl, which doesn't. See docs/performance.md, "Memory".
 */
const NODE_ENV = {
  NODE_OPTIONS: '--max-semi-space-size=2 --max-old-space-size=512',
  MALLOC_ARENA_MAX: '2',
  NODE_COMPILE_CACHE: join(cacheFolder(), 'node'),
};
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
/** How many lines of the log the message of an error contains, and the length of each. */
const MAX_LINES = 8;
const MAX_LINE = 400;

/** One process of Weir, run as in a container. */
export interface WeirProcess {
  pid: number;
  /** The URL of /healthz, /readyz and /metrics: `http://127.0.0.1:<port>`. */
  health: string;
  /** The path of its log. */
  log: string;
  /** The folder of its storage. */
  storage: string;
  /** Sends SIGTERM and waits until the process has ended. Rejects when it had to be killed after 20 s. */
  stop(): Promise<void>;
  /** Sends SIGKILL and waits until the process has ended. It cannot clean up. */
  kill(): Promise<void>;
}

export interface ProcessOptions {
  services: string[];
  env: Record<string, string>;
  flags?: string[];
  /** Flags of Node itself, such as those of the profiler. */
  nodeFlags?: string[];
  /** The folder for its log and its storage. */
  dir: string;
  /** The name of its log and of its storage folder. */
  name: string;
  /** Its storage is a file system of so many bytes, which only this process sees. */
  diskBytes?: number;
}

/** Mounts a small file system in a mount namespace of the program that it becomes. */
const ON_SMALL_DISK = 'mount -t tmpfs -o "size=$0" none "$1" && shift && exec "$@"';

/** Starts services in a process of their own. Resolves when they are ready; rejects with the end of their log. */
export async function startProcess(options: ProcessOptions): Promise<WeirProcess> {
  // The engine is built before the start, because a build takes longer than a service may take to become ready.
  const engine = process.env.WEIR_ENGINE ?? (await buildEngine());
  const healthPort = await freePort();
  const { nodeFlags = [] } = options;
  const log = join(options.dir, `${options.name}.log`);
  const flags = [
    `--health-port=${healthPort}`,
    `--storage-dir=${join(options.dir, options.name)}`,
    // Git servers, artifacts and webhooks of tests are on this machine.
    '--allow-local-addresses',
    // Several processes run on this machine.
    '--events-port=0',
    '--receiver-port=0',
    ...(options.flags ?? []),
  ];
  const storage = join(options.dir, options.name);
  const program = [process.execPath, ...nodeFlags, ENTRY, ...options.services, ...flags];
  const [command = '', ...args] = await onDisk(options.diskBytes, storage, program);
  const child = spawn(command, args, {
    env: { ...process.env, ...NODE_ENV, LOG_LEVEL: 'debug', WEIR_ENGINE: engine, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const file = createWriteStream(log);
  child.stdout.pipe(file, { end: false });
  child.stderr.pipe(file, { end: false });
  await ready(child, options.name, log);
  return {
    pid: child.pid ?? 0,
    health: `http://127.0.0.1:${healthPort}`,
    log,
    // A mount of the process alone is seen through the process.
    storage: options.diskBytes === undefined ? storage : `/proc/${child.pid}/root${storage}`,
    stop: () => end(child, 'SIGTERM'),
    kill: () => end(child, 'SIGKILL'),
  };
}

/**
 * The command line of a program whose storage is a small file system, for which it gets a mount namespace of its own (unshare
 * of util-linux); that needs no rights where the kernel allows user namespaces.
 */
async function onDisk(
  bytes: number | undefined,
  storage: string,
  program: readonly string[],
): Promise<string[]> {
  if (bytes === undefined) return [...program];
  await mkdir(storage, { recursive: true });
  const own = ['unshare', '--user', '--map-root-user', '--mount'];
  return [...own, 'sh', '-c', ON_SMALL_DISK, String(bytes), storage, ...program];
}

/** Waits for the line `ready: ...`, which the entry point prints when all its services are ready. */
async function ready(child: ChildProcess, name: string, log: string): Promise<void> {
  const last: string[] = [];
  const found = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) => {
      last.push(line.slice(0, MAX_LINE));
      if (last.length > MAX_LINES) last.shift();
      if (line.startsWith('ready:')) found.resolve();
    });
  }
  const tail = () => `${name} (${log}):\n${last.join('\n')}`;
  child.once('exit', (code) => found.reject(new Error(`exit code ${code} of ${tail()}`)));
  const timer = setTimeout(
    () => found.reject(new Error(`not ready after ${READY_TIMEOUT_MS} ms: ${tail()}`)),
    READY_TIMEOUT_MS,
  );
  try {
    await found.promise;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
  if (signal === 'SIGTERM' && child.signalCode === 'SIGKILL') {
    throw new Error(`a process of Weir did not stop within ${STOP_TIMEOUT_MS} ms`);
  }
}
