// Hears all that a system tells the world: what Flux's controllers post to their notification service,
// and what Weir publishes on its events stream, which has the same form.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { connect } from '@nats-io/transport-node';
import { decodeCloudEvent } from '@weir/bus';
import type { FluxEvent } from '@weir/events';

export interface Listener {
  /** The events about objects in these namespaces so far. */
  heard(namespaces: readonly string[]): FluxEvent[];
  close(): Promise<void>;
}

/** A notification service that only listens, for `--events-addr`. */
export async function listenToPosts(): Promise<Listener & { address: string }> {
  const events: FluxEvent[] = [];
  const server = createServer((request, response) => {
    json(request).then(
      (event) => {
        events.push(event as FluxEvent);
        response.writeHead(202).end();
      },
      (error: unknown) => response.writeHead(400).end(String(error)),
    );
  });
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}/`,
    heard: (namespaces) => events.filter((event) => isAbout(event, namespaces)),
    async close() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

/** Hears what is published from now on. Rejects where NATS doesn't answer. */
export async function listenToStream(natsUrl: string): Promise<Listener> {
  const events: FluxEvent[] = [];
  const nc = await connect({ servers: natsUrl, name: 'conformance' });
  nc.subscribe('weir.event.>', {
    callback: (error, message) => {
      if (error) throw error;
      const event = decodeCloudEvent(message.data);
      if (event === undefined) throw new TypeError(`no CloudEvent on ${message.subject}`);
      events.push(event.data as FluxEvent);
    },
  });
  await nc.flush();
  return {
    heard: (namespaces) => events.filter((event) => isAbout(event, namespaces)),
    close: () => nc.close(),
  };
}

function isAbout({ involvedObject }: FluxEvent, namespaces: readonly string[]): boolean {
  return namespaces.includes(involvedObject.namespace);
}
