import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Logger } from '@weir/telemetry';
import { RenderError } from './error.ts';
import { encodeRequest, frameReader } from './protocol.ts';

/** The exit code with which an engine says that it passed its memory limit (engine/memory.go). */
const EXIT_MEMORY = 70;

/** One running engine. How many requests it gets at a time is its user's to limit. */
export interface EngineProcess {
  readonly pid: number | undefined;
  /** Runs a request, whose body is JSON. Rejects with a RenderError; the engine may be gone then, see `alive`. */
  request(op: string, body: string): Promise<unknown>;
  /** Ends the process at once; the requests that run are rejected with `error`. */
  kill(error: RenderError): void;
  alive(): boolean;
  /** Resolves when the process has ended, however that came about. */
  ended: Promise<void>;
}

export interface EngineOptions {
  binary: string;
  memoryLimitBytes: number;
  /** What an artifact may unpack to; undefined for a program that takes none. */
  artifactLimitBytes?: number;
  /** Folder into which it writes profiles on SIGUSR1; none unless given. */
  profiles?: string | undefined;
  log: Logger;
}

interface Pending {
  resolve(body: unknown): void;
  reject(error: RenderError): void;
}

/** Starts an engine. It ends with this process: its input closes then. */
export function startEngine(options: EngineOptions): EngineProcess {
  const { binary, memoryLimitBytes, artifactLimitBytes, log } = options;
  const flags = [
    `--memory-limit=${memoryLimitBytes}`,
    ...(artifactLimitBytes === undefined ? [] : [`--artifact-limit=${artifactLimitBytes}`]),
    ...(options.profiles ? [`--profiles=${options.profiles}`] : []),
  ];
  // No environment: the engine needs none, and it must not inherit secrets.
  const child = spawn(binary, flags, { env: {}, cwd: '/' });
  const { promise: ended, resolve: hasEnded } = Promise.withResolvers<void>();
  const lastLine = tail(child);
  const pending = new Map<number, Pending>();
  let alive = true;
  let nextId = 1;

  const end = (error: RenderError): void => {
    if (!alive) return;
    alive = false;
    for (const request of pending.values()) request.reject(error);
    pending.clear();
  };
  const stop = (error: RenderError): void => {
    end(error);
    child.kill('SIGKILL');
  };
  const read = frameReader((frame) => {
    const request = frame.type === 'response' ? pending.get(frame.id) : undefined;
    if (frame.type !== 'response' || !request) {
      throw new Error(`unexpected frame of type ${frame.type}`);
    }
    pending.delete(frame.id);
    const { error, body } = frame;
    if (error) request.reject(new RenderError(error.reason, error.message));
    else request.resolve(body);
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
    const error = exitError(code, signal, memoryLimitBytes);
    if (alive && code !== 0) log.warn({ code, signal, line: lastLine() }, error.message);
    end(error);
    hasEnded();
  });

  return {
    pid: child.pid,
    ended,
    alive: () => alive,
    kill: stop,
    request(op, body) {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      if (!alive) {
        reject(new RenderError('EngineUnavailable', 'the render engine has ended'));
        return promise;
      }
      const id = nextId++;
      try {
        const bytes = encodeRequest(id, op, body);
        pending.set(id, { resolve, reject });
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
