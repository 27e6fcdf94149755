import type { JetStreamManager } from '@nats-io/jetstream';
import { type Bus, BusUnavailable } from './bus.ts';
import { type StreamName, streamOwner } from './definitions.ts';
import { isStreamGone, isUnanswered } from './streams.ts';

/** Runs a call to a stream that is safe to repeat. */
export type Manage = <T>(call: (jsm: JetStreamManager) => Promise<T>) => Promise<T>;

/** How long a call waits until its own service has created the stream anew. Milliseconds. */
const RECREATED_IN_MS = 5_000;

/**
 * Calls to one stream. They reject with BusUnavailable while NATS is away or doesn't answer, and while the stream of
 * another service is missing. The owner of a stream that was lost creates it anew first, and then repeats the call.
 */
export function manageStream(bus: Bus, stream: StreamName): Manage {
  async function manager(): Promise<JetStreamManager> {
    return (await bus.jetstream()).jetstreamManager(false);
  }

  async function answered<T>(call: (jsm: JetStreamManager) => Promise<T>): Promise<T> {
    try {
      return await call(await manager());
    } catch (error) {
      if (isStreamGone(error) || !isUnanswered(error)) throw error;
      throw new BusUnavailable(`NATS did not answer a call to the stream ${stream}`, {
        cause: error,
      });
    }
  }

  return async (call) => {
    try {
      return await answered(call);
    } catch (error) {
      if (!isStreamGone(error)) throw error;
      bus.streamMissing(stream);
      if (!bus.owns(stream)) {
        throw new BusUnavailable(
          `the stream ${stream} is not there: the service ${streamOwner(stream)} makes it`,
        );
      }
      await bus.available(AbortSignal.timeout(RECREATED_IN_MS), stream);
      return answered(call);
    }
  };
}
