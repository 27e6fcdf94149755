// Records the results of the messages of each alert where every replica and the command `deliveries` can read them.
import type { Alert } from '@weir/api';
import { createBoundedMap } from '@weir/async';
import { BusUnavailable, QueueFull, subjectToken, type WorkQueue } from '@weir/bus';
import type { Logger } from '@weir/telemetry';

export interface Outcome {
  result: 'sent' | 'failed' | 'dropped';
  /** `Kind/namespace/name`. */
  object: string;
  why?: string;
}

/** What one replica knows of an alert. Counts are since its start; times are RFC 3339. */
export interface AlertOutcome {
  sent: number;
  failed: number;
  dropped: number;
  lastSent?: { at: string; object: string };
  lastFailure?: { at: string; object: string; why: string };
}

export interface Outcomes {
  record(alert: Alert, outcome: Outcome): void;
  /** Stores what is not stored yet. */
  flush(): Promise<void>;
}

/** The shortest time between two writes of an alert's results, in ms. */
const EVERY_MS = 5_000;
const MAX_ALERTS = 10_000;
const MAX_WHY = 1_024;

/**
 * Keeps the results of this replica, and writes those that changed. Never throws: the caller of a stop calls `flush`.
 */
export function createOutcomes(options: {
  cluster: string;
  instance: string;
  /** The stream of outcomes. */
  queue: Pick<WorkQueue, 'publish'>;
  log: Logger;
}): Outcomes {
  const { cluster, instance, queue, log } = options;
  const known = createBoundedMap<string, AlertOutcome>({ max: MAX_ALERTS });
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const subjects = [...changed];
    changed.clear();
    for (const subject of subjects) {
      const data = known.get(subject);
      if (data !== undefined) await write(subject, data);
    }
  }

  async function write(subject: string, data: AlertOutcome): Promise<void> {
    try {
      await queue.publish({
        subject,
        id: crypto.randomUUID(),
        type: 'weir.outcome',
        source: `/clusters/${cluster}/notification/${instance}`,
        data,
      });
    } catch (error) {
      // The record is a summary, and the next result of the alert writes it again.
      const isAway = error instanceof BusUnavailable || error instanceof QueueFull;
      log[isAway ? 'debug' : 'warn']({ err: error }, 'What became of messages was not stored');
    }
  }

  return {
    record({ metadata }, { result, object, why = '' }) {
      const subject = outcomeSubject(cluster, metadata, instance);
      const before = known.get(subject) ?? { sent: 0, failed: 0, dropped: 0 };
      const at = new Date().toISOString();
      known.set(subject, {
        ...before,
        [result]: before[result] + 1,
        ...(result === 'sent'
          ? { lastSent: { at, object } }
          : { lastFailure: { at, object, why: why.slice(0, MAX_WHY) } }),
      });
      changed.add(subject);
      timer ??= setTimeout(() => void flush(), EVERY_MS);
    },
    flush,
  };
}

/** `weir.outcome.<cluster>.<namespace>.<alert>.<instance>`. */
function outcomeSubject(
  cluster: string,
  { namespace = '', name }: Alert['metadata'],
  instance: string,
): string {
  return ['weir.outcome', ...[cluster, namespace, name, instance].map(subjectToken)].join('.');
}

/** Matches the outcomes of a cluster, of a namespace, or of one alert. */
export function outcomeFilter(cluster: string, namespace?: string, alert?: string): string {
  const tokens = [cluster, namespace, alert].flatMap((text) => text ?? []).map(subjectToken);
  return `weir.outcome.${tokens.join('.')}.>`;
}
