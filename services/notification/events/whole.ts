// Events that are too large for their stream: it has a shortened form, with a reference to the whole event.
import { type Bus, openPieces, type PiecesRef, parsePiecesRef, subjectToken } from '@weir/bus';
import type { FluxEvent } from '@weir/events';

/** An event in its stream. `aside` refers to the whole of it, if that is more. */
export type StoredEvent = FluxEvent & { aside?: PiecesRef };

/** Both methods reject with BusUnavailable while NATS is away. */
export interface WholeEvents {
  /** Stores all of an event. Resolves when NATS has it, with the short one that names it. */
  keep(event: FluxEvent, whole: FluxEvent): Promise<StoredEvent>;
  /**
   * The whole event if it takes up to `maxBytes` as JSON, without `aside`. Otherwise, or if it is no longer kept, the
   * shortened form.
   */
  read(event: StoredEvent, maxBytes: number): Promise<FluxEvent>;
}

export function createWholeEvents(bus: Bus): WholeEvents {
  const pieces = openPieces({ bus, stream: 'weir-event-bodies' });
  return {
    async keep(event, whole) {
      const { namespace } = event.involvedObject;
      const subject = `weir.event-body.${subjectToken(bus.cluster)}.${subjectToken(namespace)}`;
      const { message, metadata } = whole;
      const aside = await pieces.put(subject, Buffer.from(JSON.stringify({ message, metadata })));
      return { ...event, aside };
    },
    async read(stored, maxBytes) {
      const { aside, ...event } = stored;
      const ref = parsePiecesRef(aside);
      if (ref === undefined || ref.size > maxBytes) return event;
      const body = await pieces.get(ref);
      return body === undefined ? event : { ...event, ...parse(body) };
    },
  };
}

/** A body that `keep` stored, as its digest confirms. */
function parse(body: Uint8Array): Pick<FluxEvent, 'message' | 'metadata'> {
  return JSON.parse(Buffer.from(body).toString('utf8')) as Pick<FluxEvent, 'message' | 'metadata'>;
}
