import { createBoundedMap, createSingleFlight } from '@weir/async';
import type { FluxEvent } from '@weir/events';
import type { Delivery } from './record.ts';

/** Reads the event of a delivery; undefined when it has left its stream. */
export type ReadEvent = (of: Delivery['event']) => Promise<FluxEvent | undefined>;

/** Characters of all events that are kept. */
const KEPT = 8 * 1024 ** 2;
/** About what an event takes besides its message. Characters. */
const OVERHEAD = 2_000;

/** The events of deliveries. */
export interface Events {
  read: ReadEvent;
  /** Keeps an event that is about to be delivered, while the router has it in memory. */
  keep(of: Delivery['event'], event: FluxEvent): void;
}

/** Reads an event once for all alerts that it is delivered to, as long as it is kept. */
export function keepEvents(read: ReadEvent): Events {
  const known = createBoundedMap<string, FluxEvent>({ max: KEPT, weigh });
  const flight = createSingleFlight<FluxEvent | undefined>();
  const keyOf = ({ sequence, id }: Delivery['event']) => `${sequence} ${id}`;
  return {
    keep: (of, event) => known.set(keyOf(of), event),
    async read(of) {
      const key = keyOf(of);
      const kept = known.get(key);
      if (kept !== undefined) return kept;
      return flight(key, async () => {
        const event = await read(of);
        if (event !== undefined) known.set(key, event);
        return event;
      });
    },
  };
}

function weigh({ message, metadata = {} }: FluxEvent): number {
  const texts = Object.entries(metadata).map(([key, value]) => key.length + value.length);
  return texts.reduce((sum, length) => sum + length, OVERHEAD + message.length);
}
