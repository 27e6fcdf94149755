import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Logger } from '@weir/telemetry';
import { RenderError } from './error.ts';
import { encodeFrame, type Frame, frameReader } from './protocol.ts';

/** The exit code with which an engine says that it passed its memory limit (engine/memory.go). */
const EXIT_MEMORY = 70;

/** One running engine. It takes one request at a time; the pool sees to that. */
export interface EngineProcess {
  readonly pid: number | undefined;
  /** Runs one request. Rejects with a RenderError; the engine may be gone then, see `alive`. */
  request(op: string, body: unknown): Promise<unknown>;
  /** Ends the process at once; a request that runs is rejected with `error`. */
  kill(error: RenderError): void;
  alive(): boolean;
  /** Resolves when the process has ended, however that came about. */
  ended: Promise<void>;
}

export interface EngineOptions {
  binary: string;
  memoryLimitBytes: number;
  artifactLimitBytes: number;
  log: Logger;
}

interface Pending {
  id: number;
  resolve(body: unknown): void;
  reject(error: RenderError): void;
}

/** Starts an engine. It ends with this process: its input closes then. */
export function startEngine(options: EngineOptions): EngineProcess {
  const { binary, memoryLimitBytes, artifactLimitBytes, log } = options;
  const limits = [`--memory-limit=${memoryLimitBytes}`, `--artifact-limit=${artifactLimitBytes}`];
  // No environment: the engine needs none, and it must not inherit secrets.
  const child = spawn(binary, limits, { env: {}, cwd: '/' });
  const { promise: ended, resolve: hasEnded } = Promise.withResolvers<void>();
  const lastLine = tail(child);
  let pending: Pending | undefined;
  let alive = true;
  let nextId = 1;

  const settle = (error: RenderError | undefined, body?: unknown): void => {
    const request = pending;
    pending = undefined;
    if (error) request?.reject(error);
    else request?.resolve(body);
  };
  const stop = (error: RenderError): void => {
    if (!alive) return;
    alive = false;
    settle(error);
    child.kill('SIGKILL');
  };
  const read = frameReader((frame) => {
    if (frame.type !== 'response' || frame.id !== pending?.id) {
      throw new Error(`unexpected frame of type ${frame.type}`);
    }
    settle(frame.error && new RenderError(frame.error.reason, frame.error.message), frame.body);
  });

  child.stdout.on('data', (chunk: Buffer) => {
    if (!alive) return;
    try {
      read(chunk);
    } catch (cause) {
      stop(new RenderError('EngineCrashed', 'the render engine broke the protocol', { cause }));
    }
  });
  // Writing to an engine that has just ended fails here; its exit tells why.
  child.stdin.on('error', (error) => log.debug({ err: error }, 'render engine input closed'));
  child.on('error', (cause) => {
    stop(
      new RenderError('EngineUnavailable', `can't start the render engine: ${cause.message}`, {
        cause,
      }),
    );
    hasEnded();
  });
  child.on('close', (code, signal) => {
    const wasAlive = alive;
    alive = false;
    const error = exitError(code, signal, memoryLimitBytes);
    if (wasAlive && code !== 0) log.warn({ code, signal, line: lastLine() }, error.message);
    settle(error);
    hasEnded();
  });

  return {
    pid: child.pid,
    ended,
    alive: () => alive,
    kill: stop,
    request(op, body) {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      if (!alive || pending) {
        reject(new RenderError('EngineUnavailable', 'the render engine is not free'));
        return promise;
      }
      const frame: Frame = { type: 'request', id: nextId++, op, body };
      try {
        const bytes = encodeFrame(frame);
        pending = { id: frame.id, resolve, reject };
        child.stdin.write(bytes);
      } catch (cause) {
        reject(new RenderError('InvalidRequest', 'the request is too large to render', { cause }));
      }
      return promise;
    },
  };
}

function exitError(code: number | null, signal: string | null, limit: number): RenderError {
  if (code === EXIT_MEMORY) {
    return new RenderError(
      'MemoryLimit',
      `rendering needs more memory than the limit of ${limit} bytes: split it up or raise the limit`,
    );
  }
  const how = signal ? `signal ${signal}` : `exit code ${code}`;
  return new RenderError('EngineCrashed', `the render engine ended unexpectedly (${how})`);
}

/** Keeps the first line of the engine's last output: what a Go crash begins with. */
function tail(child: ChildProcessWithoutNullStreams): () => string {
  let line = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    line = (text.trimStart().split('\n')[0] ?? '').slice(0, 200);
  });
  return () => line;
}
