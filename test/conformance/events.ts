// Receives the events of both systems: those that Flux's controllers post to their notification service, and those that
// Weir publishes on its stream of events, which have the same form.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { connect } from '@nats-io/transport-node';
import { decodeCloudEvent } from '@weir/bus';
import { makeStreams } from '@weir/bus/testing';
import type { FluxEvent } from '@weir/events';

export interface Listener {
  /** The events about objects in these namespaces so far. */
  received(namespaces: readonly string[]): FluxEvent[];
  close(): Promise<void>;
}

/** Starts a server for Flux's `--events-addr` that collects the events it gets. */
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
    received: (namespaces) => events.filter((event) => isAbout(event, namespaces)),
    async close() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

/** Collects the events that Weir publishes from now on. Rejects when NATS doesn't answer. */
export async function listenToStream(natsUrl: string): Promise<Listener> {
  const events: FluxEvent[] = [];
  // The service that owns the stream of events does not run here, and without the stream nobody publishes.
  const closeStreams = await makeStreams(natsUrl, ['weir-events']);
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
    received: (namespaces) => events.filter((event) => isAbout(event, namespaces)),
    close: async () => void (await Promise.all([nc.close(), closeStreams()])),
  };
}

function isAbout({ involvedObject }: FluxEvent, namespaces: readonly string[]): boolean {
  return namespaces.includes(involvedObject.namespace);
}
