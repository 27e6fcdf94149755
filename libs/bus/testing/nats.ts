import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildTools, freePort, until } from '@weir/cluster';

export interface NatsOptions {
  /** False to have only a port at first. */
  started?: boolean;
  /** The most that streams may take on its disk. */
  maxFileBytes?: number;
  /** Appended to its configuration file. */
  config?: string;
}

/** A NATS server of a test, which can be stopped, crashed and wiped; always on the same port. */
export interface TestNats {
  url: string;
  start(): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
  restart(options?: { wipe?: boolean; signal?: NodeJS.Signals }): Promise<void>;
  /** Stops it and removes its data. */
  close(): Promise<void>;
}

/** Starts a real nats-server with JetStream on a free port of 127.0.0.1. */
export async function startNats(options: NatsOptions = {}): Promise<TestNats> {
  const binary = (await buildTools(['nats-server'])).get('nats-server');
  if (binary === undefined) throw new Error('nats-server was not built');
  const port = await freePort();
  const dir = await mkdtemp(join(tmpdir(), 'weir-nats-'));
  const data = join(dir, 'data');
  const config = join(dir, 'nats.conf');
  await writeFile(config, configuration(port, data, options));
  let child: ChildProcess | undefined;
  const kill = () => void child?.kill('SIGKILL');
  process.on('exit', kill);

  async function start(): Promise<void> {
    child = spawn(binary as string, ['--config', config], { stdio: 'ignore' });
    await until(() => canConnect(port), {
      timeoutMs: 20_000,
      intervalMs: 10,
      message: 'nats-server to listen',
    });
  }

  async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const exited = once(running, 'exit');
    running.kill(signal);
    await exited;
  }

  if (options.started !== false) await start();
  return {
    url: `nats://127.0.0.1:${port}`,
    start,
    stop,
    restart: async ({ wipe = false, signal } = {}) => {
      await stop(signal);
      if (wipe) await rm(data, { recursive: true, force: true });
      await start();
    },
    close: async () => {
      process.off('exit', kill);
      await stop('SIGKILL');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function configuration(
  port: number,
  data: string,
  { maxFileBytes, config = '' }: NatsOptions,
): string {
  const limit = maxFileBytes === undefined ? '' : `max_file_store: ${maxFileBytes}`;
  return `listen: 127.0.0.1:${port}
jetstream {
  store_dir: ${JSON.stringify(data)}
  ${limit}
}
${config}
`;
}

function canConnect(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1')
    .once('connect', () => resolve(true))
    .once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}
