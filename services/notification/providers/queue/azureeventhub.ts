import { createHmac, randomUUID } from 'node:crypto';
import type { Connection, EventContext } from 'rhea';
import { DeliveryError } from '../../delivery/errors.ts';
import { eventJson, invalidProvider } from '../message.ts';
import type { Io, ProviderType } from '../provider.ts';
import type { Target } from '../target.ts';

const TLS_PORT = 5671;
const PLAIN_PORT = 5672;
const TOKEN_SECONDS = 3_600;
const CBS = '$cbs';

/**
 * Azure Event Hubs by AMQP 1.0: the event as JSON. The address is a connection string with a shared access key; or the
 * address is the hub and the channel its namespace, and the token is a JWT: that of the Secret, or one of the Provider's
 * account, or of the service itself. The claim is put first
 * (https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide, "Claims-based security").
 */
export const azureeventhub: ProviderType = {
  // An event hub takes 1 MB, the envelope and what the alert adds included.
  wholeUpTo: 900_000,
  address: 'any',
  certificates: 'none',
  async send(event, target, io) {
    const hub = isConnectionString(target)
      ? hubByKey(target.address)
      : await hubByToken(target, io);
    const { host, port, tls } = hub;
    const socket = await io.open({ host, port, ...(tls ? { tls: {} } : {}) });
    // Loaded with the first message: most clusters never have one.
    const { default: rhea } = await import('rhea');
    const container = rhea.create_container({ id: `weir-${randomUUID()}` });
    const connection = container.connect({
      reconnect: false,
      host,
      hostname: host,
      connection_details: () => ({
        host,
        port,
        connect: (_port: number, _host: string, _options: unknown, connected: () => void) => {
          // rhea waits for this before it writes.
          process.nextTick(connected);
          return socket;
        },
      }),
    } as never);
    try {
      const body = rhea.message.data_section(Buffer.from(eventJson(event)));
      await deliver(connection, hub, body, io.signal);
    } finally {
      connection.close();
      socket.destroy();
    }
  },
};

interface Hub {
  host: string;
  port: number;
  tls: boolean;
  name: string;
  /** What the claim is about. */
  audience: string;
  claim: { type: string; token: string };
}

/** As in Flux, two kinds of credentials at once are refused: nobody could tell which of them counts. */
function isConnectionString({ address, token, provider }: Target): boolean {
  const byKey = address.includes('SharedAccessKey');
  const account = provider.object.spec.serviceAccountName;
  const both = [
    ...(account ? ['serviceAccountName'] : []),
    ...(token ? ['jwt token'] : []),
    ...(byKey ? ['SAS'] : []),
  ];
  if (both.length < 2) return byKey;
  const [first, second] = byKey ? [both[0], 'SAS'] : both;
  throw invalidProvider(
    `invalid authentication options: ${first} and ${second} authentication cannot be set at the same time`,
  );
}

function hubByKey(address: string): Hub {
  const parts = new Map(
    address.split(';').map((part) => {
      const [key = '', ...value] = part.split('=');
      return [key.trim(), value.join('=').trim()] as const;
    }),
  );
  const url = URL.parse(parts.get('Endpoint') ?? '');
  const name = parts.get('EntityPath') ?? '';
  const keyName = parts.get('SharedAccessKeyName') ?? '';
  const key = parts.get('SharedAccessKey') ?? '';
  if (url === null || url.protocol !== 'sb:' || url.hostname === '' || !name || !keyName || !key) {
    throw invalidProvider(
      'the address is no connection string with Endpoint, SharedAccessKeyName, SharedAccessKey and EntityPath',
    );
  }
  const tls = parts.get('UseDevelopmentEmulator') !== 'true';
  const scheme = tls ? 'amqps' : 'amqp';
  const audience = `${scheme}://${url.host}/${name}`;
  const port = Number(url.port || (tls ? TLS_PORT : PLAIN_PORT));
  // The host stays as it is, which is what Azure's own clients sign.
  const resource = `${scheme}%3a%2f%2f${url.host}%2f${encodeURIComponent(name).toLowerCase()}`;
  const token = sharedAccessSignature(resource, keyName, key);
  const claim = { type: 'servicebus.windows.net:sastoken', token };
  return { host: url.hostname, port, tls, name, audience, claim };
}

async function hubByToken({ address: name, channel, token }: Target, io: Io): Promise<Hub> {
  if (!/^[\w.-]{1,260}$/.test(name) || !channel || !/^[\w.-]{1,255}$/.test(channel)) {
    throw invalidProvider('the address must be an event hub and spec.channel its namespace');
  }
  const host = channel.includes('.') ? channel : `${channel}.servicebus.windows.net`;
  const audience = `amqps://${host}/${name}`;
  const jwt = token ?? (await io.cloudToken({ for: 'event-hubs', host }));
  return { host, port: TLS_PORT, tls: true, name, audience, claim: { type: 'jwt', token: jwt } };
}

/** https://learn.microsoft.com/azure/event-hubs/authenticate-shared-access-signature */
function sharedAccessSignature(resource: string, keyName: string, key: string): string {
  const expiry = Math.floor(Date.now() / 1_000) + TOKEN_SECONDS;
  const signature = createHmac('sha256', key).update(`${resource}\n${expiry}`).digest('base64');
  const sig = encodeURIComponent(signature);
  return `SharedAccessSignature sr=${resource}&sig=${sig}&se=${expiry}&skn=${keyName}`;
}

/** Puts the claim, and then sends one message. Settles when the hub has accepted it, or refused. */
function deliver(
  connection: Connection,
  { name, audience, claim }: Hub,
  body: unknown,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (what: string, permanent: boolean) =>
    reject(new DeliveryError(permanent ? 'Refused' : 'Unreachable', what, { permanent }));
  const replyTo = `cbs-${randomUUID()}`;

  connection.on('connection_open', () => {
    connection.open_receiver({ source: CBS, target: { address: replyTo } });
    const sender = connection.open_sender(CBS);
    sender.once('sendable', () => {
      sender.send({
        message_id: randomUUID(),
        reply_to: replyTo,
        application_properties: { operation: 'put-token', type: claim.type, name: audience },
        body: claim.token,
      });
    });
  });
  connection.on('message', ({ message }: EventContext) => {
    const status = Number(message?.application_properties?.['status-code'] ?? 0);
    if (status < 200 || status > 299) {
      fail(
        `Event Hubs refused the claim with status code ${status}`,
        status >= 400 && status < 500,
      );
      return;
    }
    const sender = connection.open_sender(name);
    sender.once('sendable', () => {
      sender.send({ body });
    });
    sender.once('accepted', () => resolve());
    sender.once('rejected', () => fail('Event Hubs rejected the message', true));
    sender.once('released', () => fail('Event Hubs released the message', false));
    sender.once('sender_error', () => fail('Event Hubs refused the link', true));
  });
  connection.on('connection_error', () => fail('Event Hubs refused the connection', true));
  connection.on('disconnected', () => fail('Event Hubs closed the connection', false));
  const abort = () => fail('request to Event Hubs failed: no answer within its timeout', false);
  signal.addEventListener('abort', abort, { once: true });
  return promise.finally(() => signal.removeEventListener('abort', abort));
}
