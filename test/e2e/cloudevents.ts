import type { FluxEvent } from '@weir/events';
import { recordEventsOf } from '@weir/kit';

/** Collects the events that Weir publishes from now on. The returned list grows until `started` is disposed of. */
export async function cloudEvents(
  started: AsyncDisposableStack,
  servers: string,
): Promise<FluxEvent[]> {
  const events: FluxEvent[] = [];
  await recordEventsOf(started, servers, ({ event }) => events.push(event));
  return events;
}
