// In place of Azure Event Hubs: a server of AMQP 1.0 that takes any claim and any message.
import type { AddressInfo, Server } from 'node:net';
import rhea, { type EventContext, type Sender } from 'rhea';
import type { Json } from './case.ts';

export interface EventHub {
  port: number;
  received: { hub: string; claim: Json; body: unknown }[];
  close(): void;
}

const CBS = '$cbs';

export async function startEventHub(): Promise<EventHub> {
  const received: EventHub['received'] = [];
  const replies = new Map<string, Sender>();
  let claim: Json = {};
  const container = rhea.create_container({ id: 'event-hub' });
  container.on('sender_open', ({ sender }: EventContext) => {
    if (sender?.target?.address) replies.set(sender.target.address, sender);
  });
  container.on('message', ({ message, receiver }: EventContext) => {
    const to = receiver?.target?.address ?? '';
    if (to === CBS) {
      const { name, type } = message?.application_properties ?? {};
      claim = { audience: name, type, token: message?.body };
      const reply = replies.get(message?.reply_to ?? '');
      reply?.send({ application_properties: { 'status-code': 202 }, body: '' });
      return;
    }
    if (message === undefined) return;
    const { content } = message.body as { content: Buffer };
    received.push({ hub: to, claim, body: [JSON.parse(content.toString()) as unknown] });
  });
  const server = container.listen({ port: 0, host: '127.0.0.1' }) as unknown as Server;
  await new Promise<void>((resolve) => server.once('listening', () => resolve()));
  return { port: (server.address() as AddressInfo).port, received, close: () => server.close() };
}
