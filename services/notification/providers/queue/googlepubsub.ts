import { createPrivateKey, sign } from 'node:crypto';
import { type ClientHttp2Stream, connect } from 'node:http2';
import type { FluxEvent } from '@weir/events';
import { DeliveryError } from '../../delivery/errors.ts';
import { encodeMessage, type Field } from '../io/protobuf.ts';
import { eventJson, invalidProvider } from '../message.ts';
import type { Io, ProviderType } from '../provider.ts';
import type { Target } from '../target.ts';

const HOST = 'pubsub.googleapis.com';
const PATH = '/google.pubsub.v1.Publisher/Publish';
const LIFETIME_SECONDS = 3_600;
/** Codes of gRPC after which the same message may well be taken later: UNAVAILABLE and the like. */
const PASSING = new Set(['4', '8', '10', '13', '14']);
/** Of an answer so many bytes are counted; what it says is not looked at. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Google Cloud Pub/Sub by gRPC: the address is the project, the channel the topic, the headers become attributes. The
 * token is the key of a service account, which signs a JWT for each message: no other host is asked for one
 * (https://google.aip.dev/auth/4111). Without one the Provider's account, or the service itself, is who publishes.
 */
export const googlepubsub: ProviderType = {
  // A message takes 10 MB.
  wholeUpTo: 9_000_000,
  address: 'any',
  certificates: 'none',
  async send(event, target, io) {
    if (!target.address || !target.channel) {
      throw invalidProvider('the address must be a project and spec.channel a topic of Pub/Sub');
    }
    const topic = `projects/${target.address}/topics/${target.channel}`;
    const bearer = target.token
      ? signedJwt(readKey(target.token))
      : await io.cloudToken({ for: 'pubsub' });
    const authorization = `Bearer ${bearer}`;
    const socket = await io.open({
      host: HOST,
      port: 443,
      tls: { protocols: ['h2'] },
      proxied: true,
    });
    try {
      await call(
        { socket, topic, authorization, message: publishRequest(topic, event, target) },
        io,
      );
    } finally {
      socket.destroy();
    }
  },
};

/** google.pubsub.v1.PublishRequest, in the frame of gRPC. */
function publishRequest(topic: string, event: FluxEvent, { headers }: Target): Buffer {
  const attributes = Object.entries(headers).map(
    ([key, value]): Field => [2, 'message', encodeMessage([1, 'text', key], [2, 'text', value])],
  );
  const data = Buffer.from(eventJson(event));
  const message = encodeMessage([1, 'bytes', data], ...attributes);
  const request = encodeMessage([1, 'text', topic], [2, 'message', message]);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(request.length, 1);
  return Buffer.concat([frame, request]);
}

interface Call {
  socket: Awaited<ReturnType<Io['open']>>;
  topic: string;
  authorization: string;
  message: Buffer;
}

async function call({ socket, topic, authorization, message }: Call, io: Io): Promise<void> {
  const session = connect(`https://${HOST}`, { createConnection: () => socket });
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': PATH,
      ':authority': `${HOST}:443`,
      'content-type': 'application/grpc',
      te: 'trailers',
      'x-goog-request-params': `topic=${encodeURIComponent(topic)}`,
      authorization,
    });
    stream.end(message);
    const status = await statusOf(stream, session, io.signal);
    if (status === '0') return;
    throw new DeliveryError('Refused', `Pub/Sub responded with gRPC status ${status}`, {
      permanent: !PASSING.has(status),
    });
  } finally {
    session.destroy();
  }
}

/** `grpc-status`, a number, which comes with the trailers, or with the headers of an answer without a body. */
function statusOf(
  stream: ClientHttp2Stream,
  session: ReturnType<typeof connect>,
  signal: AbortSignal,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const fail = (cause?: unknown) => {
    const message = 'Pub/Sub did not answer';
    reject(new DeliveryError('Unreachable', message, { permanent: false, cause }));
  };
  const look = (headers: Record<string, unknown>) => {
    const status = String(headers['grpc-status'] ?? '');
    if (/^\d{1,2}$/.test(status)) resolve(status);
    else if (headers[':status'] !== undefined && headers[':status'] !== 200) fail();
  };
  let size = 0;
  stream.on('response', look).on('trailers', look).on('error', fail).on('close', fail);
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) stream.destroy();
  });
  session.on('error', fail);
  signal.addEventListener('abort', fail, { once: true });
  return promise.finally(() => signal.removeEventListener('abort', fail));
}

interface ServiceAccountKey {
  clientEmail: string;
  privateKey: string;
  keyId: string;
}

function readKey(token: string): ServiceAccountKey {
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(token) as Record<string, unknown>;
  } catch (cause) {
    throw new DeliveryError('InvalidProvider', "'token' in the secret is no JSON", { cause });
  }
  const { type, client_email: email, private_key: key, private_key_id: id = '' } = parsed ?? {};
  if (type !== 'service_account' || typeof email !== 'string' || typeof key !== 'string') {
    throw invalidProvider("'token' in the secret is no JSON key of a service account");
  }
  return { clientEmail: email, privateKey: key, keyId: String(id) };
}

function signedJwt({ clientEmail, privateKey, keyId }: ServiceAccountKey): string {
  const now = Math.floor(Date.now() / 1_000);
  const header = { alg: 'RS256', typ: 'JWT', kid: keyId };
  const claims = {
    iss: clientEmail,
    sub: clientEmail,
    aud: `https://${HOST}/`,
    iat: now,
    exp: now + LIFETIME_SECONDS,
  };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part(header)}.${part(claims)}`;
  try {
    const key = createPrivateKey(privateKey);
    return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
  } catch {
    // The cause may quote the key.
    throw invalidProvider("'private_key' in the token can't be read");
  }
}
