import { type Bus, type ConsumeOptions, consumeStream } from '@weir/bus';
import { type FluxEvent, parseEvent } from './fluxevent.ts';
import { eventFilter } from './subjects.ts';

export type ConsumeEventsOptions = Omit<ConsumeOptions<FluxEvent>, 'stream' | 'filter' | 'parse'>;

/**
 * Shares the events of the cluster among all that consume with the same `durable`, with the guarantees of
 * `consumeStream`.
 */
export function consumeEvents(bus: Bus, options: ConsumeEventsOptions): Promise<void> {
  return consumeStream(bus, {
    ...options,
    stream: 'weir-events',
    filter: eventFilter(bus.cluster),
    parse: parseEvent,
  });
}
