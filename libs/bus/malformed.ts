import type { Logger, Metrics } from '@weir/telemetry';
import type { StreamName } from './definitions.ts';

/** Counts and logs a message that does not belong into its stream. The caller drops it. */
export type ReportMalformed = (stream: StreamName, subject: string) => void;

/** Whoever may publish could fill the log: at most one line is written in this time for each stream. Milliseconds. */
const LOG_EVERY_MS = 10_000;
/** Characters of a subject that are logged: a publisher may choose any length. */
const MAX_SUBJECT = 200;

export function createMalformedReport(log: Logger, metrics: Metrics): ReportMalformed {
  const counter = metrics.counter(
    'weir_messages_malformed_total',
    'Messages that are not what their stream holds, and were dropped.',
  );
  const logged = new Map<StreamName, number>();
  return (stream, subject) => {
    counter.add(1, { stream });
    const now = performance.now();
    if (now - (logged.get(stream) ?? Number.NEGATIVE_INFINITY) < LOG_EVERY_MS) return;
    logged.set(stream, now);
    log.error(
      { stream, subject: subject.slice(0, MAX_SUBJECT) },
      'A message is not what its stream holds, dropped it',
    );
  };
}
