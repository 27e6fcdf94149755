import type { Logger } from '@weir/telemetry';
import { type StreamName, streamOwner } from './definitions.ts';
import { pause } from './pause.ts';

/** The streams that are known to be missing; each is looked for until it exists. */
export interface MissingStreams {
  /** A call found that the stream is missing: callers that need it wait until it exists. Returns at once. */
  report(stream: StreamName): void;
  has(stream: StreamName): boolean;
  /** Called when a stream begins to be missing, and when it exists again. */
  onChange(callback: (stream: StreamName, missing: boolean) => void): () => void;
}

export interface MissingStreamsOptions {
  /** Creates the stream if this service owns it, otherwise looks for it. False or a rejection: it is still missing. */
  find(stream: StreamName): Promise<boolean>;
  /** Ends the search for all. */
  signal: AbortSignal;
  log: Logger;
}

const RETRY = { minMs: 50, maxMs: 2_000 };

export function createMissingStreams({ find, signal, log }: MissingStreamsOptions): MissingStreams {
  const missing = new Set<StreamName>();
  const callbacks = new Set<(stream: StreamName, missing: boolean) => void>();

  function announce(stream: StreamName): void {
    for (const callback of [...callbacks]) callback(stream, missing.has(stream));
  }

  async function search(stream: StreamName): Promise<void> {
    let delayMs = RETRY.minMs;
    let reported = false;
    while (!signal.aborted) {
      const why = await find(stream).then((found) => (found ? true : 'not there'), String);
      if (why === true) break;
      if (!reported) {
        log.info(
          { stream, owner: streamOwner(stream), why },
          'Waiting for a stream, which its service makes',
        );
      }
      reported = true;
      await pause(delayMs, signal);
      delayMs = Math.min(delayMs * 2, RETRY.maxMs);
    }
    missing.delete(stream);
    if (!signal.aborted) announce(stream);
  }

  return {
    report(stream) {
      if (missing.has(stream) || signal.aborted) return;
      missing.add(stream);
      announce(stream);
      void search(stream);
    },
    has: (stream) => missing.has(stream),
    onChange(callback) {
      callbacks.add(callback);
      return () => void callbacks.delete(callback);
    },
  };
}
