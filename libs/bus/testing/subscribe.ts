import { connect } from '@nats-io/transport-node';

/** Messages of a subject, as any client of NATS gets them. */
export interface Subscription {
  messages: { subject: string; text: string }[];
  close(): Promise<void>;
}

/** Subscribes to a subject of a server. Resolves when the server has registered the subscription. */
export async function subscribeTo(
  servers: string,
  subject: string,
  credentials: { user?: string; pass?: string } = {},
): Promise<Subscription> {
  const connection = await connect({ servers, ...credentials });
  const messages: Subscription['messages'] = [];
  connection.subscribe(subject, {
    callback: (_, message) =>
      void messages.push({ subject: message.subject, text: message.string() }),
  });
  await connection.flush();
  return { messages, close: () => connection.close() };
}
