// Flux's endpoint for events: other components post theirs here, as they do to notification-controller.
import type { IncomingMessage } from 'node:http';
import { type Bus, BusUnavailable, type WorkQueue } from '@weir/bus';
import { eventSubject } from '@weir/events';
import type { Logger, Metrics } from '@weir/telemetry';
import { type Answer, type HttpService, readBody, serveHttp } from '../http/serve.ts';
import { readEvent } from './incoming.ts';
import { createRepeats } from './repeats.ts';
import type { WholeEvents } from './whole.ts';

export interface EventsOptions {
  bus: Bus;
  /** The stream of events. */
  events: Pick<WorkQueue, 'publish'>;
  /** Keeps all of an event for which its stream has no room. */
  wholeEvents: Pick<WholeEvents, 'keep'>;
  port: number;
  /** How long a repeated event is refused (`--rate-limit-interval`), in ms. */
  windowMs: number;
  metrics: Metrics;
  log: Logger;
}

/** Flux's limit. */
const MAX_BODY_BYTES = 3 * 1024 ** 2;
/** Requests whose bodies may be in memory at the same time. */
const CONCURRENCY = 32;
const RETRY_AFTER_SECONDS = 1;

/**
 * Takes events by any method and path, as Flux's does: 202 once the event is stored, 400 for what is none, 413 beyond
 * 3 MiB, 429 for one that came before within the window, 503 while it can't be stored. Rejects when the port is taken.
 */
export async function serveEvents(options: EventsOptions): Promise<HttpService> {
  const { bus, events, wholeEvents, windowMs, log } = options;
  const repeats = createRepeats(windowMs);
  const counted = options.metrics.counter(
    'weir_events_received_total',
    'Requests to the events endpoint, by the status of the answer',
  );

  async function take(request: IncomingMessage): Promise<Answer> {
    const body = await readBody(request, MAX_BODY_BYTES);
    if (body === undefined) return { status: 413 };
    const read = readEvent(body);
    if (read === undefined) return { status: 400 };
    const { event, whole } = read;
    // Two large events may differ only at their ends.
    const id = repeats.idOf(whole ?? event);
    if (id === undefined) return tooMany(windowMs);
    const { apiVersion: group, kind, namespace, name } = event.involvedObject;
    try {
      await events.publish({
        subject: eventSubject(bus.cluster, { group, kind, namespace, name }, event.reason),
        id,
        type: `weir.event.${event.severity}`,
        source: `/clusters/${bus.cluster}/events`,
        data: whole === undefined ? event : await wholeEvents.keep(event, whole),
      });
      return { status: 202 };
    } catch (error) {
      repeats.forget(whole ?? event);
      if (!(error instanceof BusUnavailable)) log.warn({ err: error }, 'An event was not stored');
      return { status: 503, headers: { 'retry-after': String(RETRY_AFTER_SECONDS) } };
    }
  }

  return serveHttp({
    port: options.port,
    concurrency: CONCURRENCY,
    async answer(request) {
      const answer = await take(request);
      counted.add(1, { status: String(answer.status) });
      return answer;
    },
    failed: (error) => log.debug({ err: error }, 'A request to the events endpoint broke off'),
  });
}

/** The headers are those of Flux's limiter: one event in a window. */
function tooMany(windowMs: number): Answer {
  const seconds = String(Math.ceil(windowMs / 1_000));
  return {
    status: 429,
    body: 'Too Many Requests\n',
    headers: {
      'retry-after': seconds,
      'x-ratelimit-limit': '1',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(Math.ceil((Date.now() + windowMs) / 1_000)),
    },
  };
}
