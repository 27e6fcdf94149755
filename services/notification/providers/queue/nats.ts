import type { Socket } from 'node:net';
import { DeliveryError } from '../../delivery/errors.ts';
import { unreachable } from '../io/http.ts';
import { secure } from '../io/sockets.ts';
import { eventJson, invalidProvider } from '../message.ts';
import type { Io, ProviderType } from '../provider.ts';
import type { Target } from '../target.ts';
import { lineReader } from './lines.ts';
import { readSeed } from './nats-keys.ts';

const PORT = 4222;
const CLIENT = 'NATS Provider Publisher';
/** No token, white space, wildcard or empty part (https://docs.nats.io/nats-concepts/subjects). */
const SUBJECT = /^[^\s.*>]+(\.[^\s.*>]+)*$/;

/**
 * NATS: the event as JSON on the subject that is the channel. The server is spoken to directly
 * (https://docs.nats.io/reference/reference-protocols/nats-protocol), as a client of its own would follow the addresses
 * that a server names, wherever they lead. What is published is confirmed by the answer to a PING.
 */
export const nats: ProviderType = {
  // A server takes 1 MiB unless it is told otherwise.
  wholeUpTo: 900_000,
  address: 'any',
  async send(event, target, io) {
    const subject = target.channel ?? '';
    if (!SUBJECT.test(subject)) throw invalidProvider('spec.channel is no subject of NATS');
    const url = readAddress(target.address);
    const port = Number(url.port || PORT);
    const socket = await io.open({ host: url.hostname, port });
    try {
      await publish({ socket, url, subject, payload: eventJson(event) }, target, io);
    } catch (error) {
      throw error instanceof DeliveryError ? error : unreachable(url.host, error, io.signal);
    } finally {
      socket.destroy();
    }
  },
};

interface Publication {
  socket: Socket;
  url: URL;
  subject: string;
  payload: string;
}

async function publish(
  { socket, url, subject, payload }: Publication,
  target: Target,
  io: Io,
): Promise<void> {
  const first = lineReader(socket, io.signal);
  const info = readInfo(await first.next());
  const wantsTls = url.protocol === 'tls:' || info.tls_required === true;
  first.release();
  const stream = wantsTls
    ? await secure(socket, url.hostname, target, undefined, io.signal)
    : socket;
  const lines = lineReader(stream, io.signal);
  const bytes = Buffer.byteLength(payload);
  const hello = { ...options(wantsTls), ...credentials(url, target, info.nonce) };
  stream.write(
    `CONNECT ${JSON.stringify(hello)}\r\nPUB ${subject} ${bytes}\r\n${payload}\r\nPING\r\n`,
  );
  for (;;) {
    const line = await lines.next();
    if (line === 'PONG') return;
    if (line === 'PING') stream.write('PONG\r\n');
    if (line.startsWith('-ERR')) throw refused(line);
  }
}

function options(tls: boolean) {
  const about = { name: CLIENT, lang: 'weir', version: '1', protocol: 1 };
  return { ...about, verbose: false, pedantic: false, tls_required: tls };
}

/** In Flux's order: a credentials file, a seed, a user with a password; or those of the address. */
function credentials(url: URL, target: Target, nonce: string | undefined): Record<string, string> {
  const creds = target.secret?.get('creds')?.toString('utf8');
  if (creds) {
    const jwt = /BEGIN NATS USER JWT-+\s+(\S+)\s/.exec(creds)?.[1];
    const seed = /BEGIN USER NKEY SEED-+\s+(\S+)\s/.exec(creds)?.[1];
    if (!jwt || !seed)
      throw invalidProvider("'creds' in the secret is no credentials file of NATS");
    return { jwt, sig: readSeed(seed).sign(nonce ?? '') };
  }
  const seed = target.secret?.get('nkey')?.toString('utf8').trim();
  if (seed) {
    const key = readSeed(seed);
    return { nkey: key.publicKey, sig: key.sign(nonce ?? '') };
  }
  const { username, password } = target;
  if (username && password) return { user: username, pass: password };
  if (url.username === '') return {};
  const user = decodeURIComponent(url.username);
  return url.password === ''
    ? { auth_token: user }
    : { user, pass: decodeURIComponent(url.password) };
}

function readAddress(address: string): URL {
  const url = URL.parse(address.includes('://') ? address : `nats://${address}`);
  if (url !== null && /^(nats|tls):$/.test(url.protocol) && url.hostname !== '') return url;
  throw invalidProvider('the address is no URL of a NATS server, such as nats://host:4222');
}

function readInfo(line: string): { nonce?: string; tls_required?: boolean } {
  try {
    if (line.startsWith('INFO ')) return JSON.parse(line.slice('INFO '.length)) as object;
  } catch (cause) {
    throw new DeliveryError('Refused', 'the server is no NATS server', { cause });
  }
  throw new DeliveryError('Refused', 'the server is no NATS server');
}

/** One of the server's errors, by the words that it is known for: nothing else of its line is shown. */
function refused(line: string): DeliveryError {
  const known = ['Authorization Violation', 'Permissions Violation', 'Maximum Payload Violation'];
  const what = known.find((each) => line.includes(each));
  return new DeliveryError('Refused', `NATS refused the message: ${what ?? 'an unknown error'}`, {
    permanent: what !== undefined,
  });
}
