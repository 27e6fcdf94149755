import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '@weir/cluster';
import { buildEngine } from '@weir/render';
import { cacheFolder } from '@weir/render/gobuild';

const ENTRY = join(import.meta.dirname, '../../services/host/run.ts');
/**
 * Node as it is in the chart's containers: what the image sets (Dockerfile), and the heap that Node allows
 * itself where there is 1 GiB. musl, which the image has, needs no telling how many heaps to keep for its
 * threads; glibc does. See docs/performance.md, "Memory".
 */
const NODE_ENV = {
  NODE_OPTIONS: '--max-semi-space-size=2 --max-old-space-size=512',
  MALLOC_ARENA_MAX: '2',
  NODE_COMPILE_CACHE: join(cacheFolder(), 'node'),
};
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
/** Of the log, in the message of an error. */
const MAX_LINES = 8;
const MAX_LINE = 400;

/** One process of Weir, as a container would run it. */
export interface WeirProcess {
  pid: number;
  /** `http://127.0.0.1:<port>`, with /healthz, /readyz and /metrics. */
  health: string;
  /** What it printed, for a message when a test fails. */
  log: string;
  /** Asks it to stop and waits until it did. */
  stop(): Promise<void>;
  /** SIGKILL: it gets no chance to put anything in order. */
  kill(): Promise<void>;
}

export interface ProcessOptions {
  services: string[];
  env: Record<string, string>;
  flags?: string[];
  /** Flags of Node itself, such as a profiler's. */
  nodeFlags?: string[];
  /** Folder for its log and its cache. */
  dir: string;
  /** Name of its log, and of the instance. */
  name: string;
}

/** Starts services in a process of their own; resolves when they are ready, rejects with their log's end. */
export async function startProcess(options: ProcessOptions): Promise<WeirProcess> {
  // A build takes longer than a service may take to be ready.
  const engine = process.env.WEIR_ENGINE ?? (await buildEngine());
  const healthPort = await freePort();
  const { nodeFlags = [] } = options;
  const log = join(options.dir, `${options.name}.log`);
  const flags = [
    `--health-port=${healthPort}`,
    `--storage-dir=${join(options.dir, options.name)}`,
    // Git servers, artifacts and webhooks of tests are on this machine.
    '--allow-local-addresses',
    ...(options.flags ?? []),
  ];
  const child = spawn(process.execPath, [...nodeFlags, ENTRY, ...options.services, ...flags], {
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
    stop: () => end(child, 'SIGTERM'),
    kill: () => end(child, 'SIGKILL'),
  };
}

/** Waits for the line `ready: ...` that the entry point prints when all its services are. */
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
