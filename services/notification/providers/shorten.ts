// Shortens a message to what the vendor accepts: a longer one would be refused as a whole.
import type { FluxEvent } from '@weir/events';
import { shortened } from './message.ts';

/** The vendor's documented limit of a text, less what the message has besides. */
export type TextLimit = { characters: number } | { bytes: number };

/** If not everything has room: entries of metadata that stay, and characters of each. */
const FACTS = 20;
const FACT = 200;
/** Characters that are left for the message at least. */
const LEAST = 200;
/** Characters around each fact, such as its markup in a card. */
const AROUND = 60;

/** The event itself if it has room, otherwise with less of its metadata and of its message. */
export function shortenEvent(event: FluxEvent, limit: TextLimit): FluxEvent {
  const [most, sizeOf] = measure(limit);
  const metadataOf = ({ metadata = {} }: FluxEvent) =>
    Object.entries(metadata).reduce(
      (sum, [key, value]) => sum + sizeOf(key) + sizeOf(value) + AROUND,
      0,
    );
  if (sizeOf(event.message) + metadataOf(event) <= most) return event;
  const facts = Object.entries(event.metadata ?? {})
    .slice(0, FACTS)
    .map(([key, value]) => [shortened(key, FACT), shortened(value, FACT)] as const);
  const few = metadataOf(event) > most / 2 ? Object.fromEntries(facts) : event.metadata;
  const rest: FluxEvent = { ...event, ...(few === undefined ? {} : { metadata: few }) };
  const left = most - metadataOf(rest);
  let { message } = event;
  for (let length = Math.max(LEAST, left); sizeOf(message) > left && length >= LEAST; length /= 2) {
    message = shortened(event.message, Math.floor(length));
  }
  return { ...rest, message };
}

function measure(limit: TextLimit): [most: number, sizeOf: (text: string) => number] {
  if ('characters' in limit) return [limit.characters, (text) => text.length];
  // As JSON, in which a line's end and a quote take two bytes.
  return [limit.bytes, (text) => Buffer.byteLength(JSON.stringify(text)) - 2];
}
