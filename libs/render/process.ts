import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Logger } from '@weir/telemetry';
import { RenderError } from './error.ts';
import type { Callbacks } from './job.ts';
import {
  encodeCallbackResponse,
  encodeRequest,
  type Frame,
  frameReader,
  type WireError,
} from './protocol.ts';

/** The exit code of an engine that exceeded its memory limit (engine/memory.go). */
const EXIT_MEMORY = 70;

/** One running engine. The caller limits how many requests it gets at the same time. */
export interface EngineProcess {
  readonly pid: number | undefined;
  /**
   * Runs a request, whose body is JSON; `callbacks` answers the engine's requests during it. Rejects with a
   * RenderError; the engine may have ended then, see `alive`.
   */
  request(op: string, body: string, callbacks?: Callbacks): Promise<unknown>;
  /** Ends the process at once. The running requests are rejected with `error`. */
  kill(error: RenderError): void;
  alive(): boolean;
  /** Resolves when the process has ended in any way. */
  ended: Promise<void>;
}

export interface EngineOptions {
  binary: string;
  memoryLimitBytes: number;
  /** The limit for an unpacked artifact, in bytes; undefined for a program that takes no artifacts. */
  artifactLimitBytes?: number;
  /** The folder that it writes profiles to on SIGUSR1; none unless given. */
  profiles?: string | undefined;
  log: Logger;
}

interface Pending {
  resolve(body: unknown): void;
  reject(error: RenderError): void;
  callbacks: Callbacks | undefined;
  /** Aborted when the request has ended, after which its callbacks' answers have no use. */
  over: AbortController;
}

/** How many callbacks of a request are answered at the same time; an engine makes one at a time. */
const MAX_CALLBACKS = 16;

/** The message of a callback that failed is cut to this length, in characters. */
const MAX_MESSAGE = 4_096;

/** Starts an engine. It ends with this process, because its input closes then. */
export function startEngine(options: EngineOptions): EngineProcess {
  const { binary, memoryLimitBytes, artifactLimitBytes, log } = options;
  const flags = [
    `--memory-limit=${memoryLimitBytes}`,
    ...(artifactLimitBytes === undefined ? [] : [`--artifact-limit=${artifactLimitBytes}`]),
    ...(options.profiles ? [`--profiles=${options.profiles}`] : []),
  ];
  // The environment is empty: the engine needs none, and it must not inherit secrets.
  const child = spawn(binary, flags, { env: {}, cwd: '/' });
  const { promise: ended, resolve: hasEnded } = Promise.withResolvers<void>();
  const lastLine = tail(child);
  const pending = new Map<number, Pending>();
  let alive = true;
  let nextId = 1;

  const end = (error: RenderError): void => {
    if (!alive) return;
    alive = false;
    for (const request of pending.values()) {
      request.over.abort(error);
      request.reject(error);
    }
    pending.clear();
  };
  const stop = (error: RenderError): void => {
    end(error);
    child.kill('SIGKILL');
  };
  const read = frameReader((frame) => {
    if (frame.type === 'callback') {
      answerCallback(frame);
      return;
    }
    const request = frame.type === 'response' ? pending.get(frame.id) : undefined;
    if (frame.type !== 'response' || !request) {
      throw new Error(`unexpected frame of type ${frame.type}`);
    }
    pending.delete(frame.id);
    request.over.abort();
    const { error, body } = frame;
    if (error) request.reject(new RenderError(error.reason, error.message));
    else request.resolve(body);
  });

  let answering = 0;
  function answerCallback({ id, request, op, body }: Frame & { type: 'callback' }): void {
    const asking = pending.get(request);
    if (!asking || answering >= MAX_CALLBACKS) throw new Error('unexpected callback');
    const { callbacks = refuse, over } = asking;
    answering += 1;
    void callbacks(op, body, over.signal)
      .then((answer) => encodeCallbackResponse(id, { body: answer ?? null }))
      .catch((error: unknown) => encodeCallbackResponse(id, { error: callbackError(error) }))
      .then((bytes) => {
        answering -= 1;
        if (alive) child.stdin.write(bytes);
      });
  }

  child.stdout.on('data', (chunk: Buffer) => {
    if (!alive) return;
    try {
      read(chunk);
    } catch (cause) {
      stop(new RenderError('EngineCrashed', 'the render engine broke the protocol', { cause }));
    }
  });
  // Writing to an engine that has just ended fails here; its exit gives the reason.
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
    request(op, body, callbacks) {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      if (!alive) {
        reject(new RenderError('EngineUnavailable', 'the render engine has ended'));
        return promise;
      }
      const id = nextId++;
      try {
        const bytes = encodeRequest(id, op, body);
        pending.set(id, { resolve, reject, callbacks, over: new AbortController() });
        child.stdin.write(bytes);
      } catch (cause) {
        reject(new RenderError('InvalidRequest', 'the request is too large to render', { cause }));
      }
      return promise;
    },
  };
}

const refuse: Callbacks = async (op) => {
  throw new Error(`nothing answers ${op} here`);
};

/** The error for a failed callback. A long message is cut, as it becomes part of the request's own. */
function callbackError(error: unknown): WireError {
  const message = error instanceof Error ? error.message : String(error);
  return { reason: 'CallbackFailed', message: message.slice(0, MAX_MESSAGE) };
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

/** Keeps the first line of the engine's last output on stderr: a Go crash begins with the reason. */
function tail(child: ChildProcessWithoutNullStreams): () => string {
  let line = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    line = (text.trimStart().split('\n')[0] ?? '').slice(0, 200);
  });
  return () => line;
}
