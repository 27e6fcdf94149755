import { setTimeout as sleep } from 'node:timers/promises';
import { Event, isAlreadyExists, isNotFound, isUnavailable, type KubeClient } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import { type Correlated, createCorrelator, type KubernetesEvent } from './correlate.ts';

/** Writes Kubernetes Events one after the other, independently of the code that reports them. */
export interface EventWriter {
  write(event: KubernetesEvent): void;
  /** Waits until all that was reported is written or given up; false after `timeoutMs`. */
  flush(timeoutMs: number): Promise<boolean>;
}

const MAX_WAITING = 1_000;
/** The same time as in client-go: an API server that restarts is available again by then. */
const PATIENCE_MS = 120_000;
const RETRY_MS = 500;
const MAX_RETRY_MS = 5_000;

/**
 * Events are best effort, as everywhere in Kubernetes: one that can't be written for two minutes is logged and dropped.
 */
export function createEventWriter(client: KubeClient, log: Logger): EventWriter {
  const correlator = createCorrelator();
  const waiting: KubernetesEvent[] = [];
  let running: Promise<void> | undefined;
  let dropping = false;

  async function run(): Promise<void> {
    for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) {
      await record(correlator.correlate(event));
    }
    running = undefined;
    dropping = false;
  }

  async function record(correlated: Correlated): Promise<void> {
    if (correlated.write === 'nothing') return;
    const { event, key } = correlated;
    const deadline = performance.now() + PATIENCE_MS;
    for (let attempt = 1; ; attempt++) {
      try {
        if (correlated.write === 'update') await update(event);
        else await client.create(Event, event);
        return;
      } catch (error) {
        if (isUnavailable(error) && performance.now() < deadline) {
          await sleep(Math.min(RETRY_MS * attempt, MAX_RETRY_MS), undefined, { ref: false });
          continue;
        }
        // An earlier attempt has created the Event, and only the answer was lost.
        if (attempt > 1 && isAlreadyExists(error)) return;
        correlator.forget(key);
        log.warn({ err: error, reason: event.reason }, 'A Kubernetes Event could not be written');
        return;
      }
    }
  }

  async function update(event: KubernetesEvent): Promise<void> {
    const { name, namespace } = event.metadata;
    const ref = { name, ...(namespace === undefined ? {} : { namespace }) };
    const { count, lastTimestamp, message } = event;
    try {
      await client.patch(Event, ref, { count, lastTimestamp, message }, { kind: 'merge' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      // The API server keeps Events for an hour only, so the one to count up may be gone.
      await client.create(Event, { ...event, count: 1, firstTimestamp: lastTimestamp });
    }
  }

  return {
    write: (event) => {
      waiting.push(event);
      if (waiting.length > MAX_WAITING) {
        waiting.shift();
        if (!dropping) log.warn('Kubernetes Events are dropped: the API server is slow or away');
        dropping = true;
      }
      running ??= run();
    },
    flush: async (timeoutMs) => {
      if (running === undefined) return true;
      const late = sleep(timeoutMs, false, { ref: false });
      return Promise.race([running.then(() => true), late]);
    },
  };
}
