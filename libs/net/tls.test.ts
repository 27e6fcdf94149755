import { equal, match, ok } from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer as createPlain } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type ConnectionOptions, connect, createServer, type TlsOptions } from 'node:tls';
import { type Authority, createAuthority } from '@weir/cluster';
import { connectionProblem, tlsProblem } from './index.ts';

const UNVERIFIED = 'tls: failed to verify certificate: x509: ';

/** The error with which a connection to a server fails or ends. */
async function failure(server: TlsOptions, client: ConnectionOptions = {}): Promise<unknown> {
  const listening = createServer(server, (socket) => void socket.end('ok'));
  listening.on('tlsClientError', () => undefined);
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const { port } = listening.address() as AddressInfo;
  const socket = connect({ host: '127.0.0.1', port, servername: 'shop.internal', ...client });
  try {
    socket.resume();
    await once(socket, 'end');
    return undefined;
  } catch (error) {
    return error;
  } finally {
    socket.destroy();
    listening.close();
  }
}

describe('a failure of TLS', () => {
  let authority: Authority;
  let server: { cert: string; key: string };
  let client: ConnectionOptions;

  before(async () => {
    authority = await createAuthority('test');
    const { certificate, key } = await authority.serving(['shop.internal']);
    server = { cert: certificate, key };
    client = { ca: authority.certificate };
  });

  test('is none where the certificate fits', async () => {
    equal(await failure(server, client), undefined);
  });

  test('says where an unknown authority can be given, and nothing of Node', async () => {
    const unknown = await failure(server);
    const words = `${UNVERIFIED}certificate signed by unknown authority`;
    equal(tlsProblem(unknown), words);
    equal(tlsProblem(unknown, 'ca.crt'), `${words}; give its authority in ca.crt`);
    equal(connectionProblem(unknown, 'ca.crt'), `${words}; give its authority in ca.crt`);
    // The authority itself, which is self-signed, is no certificate of a server either.
    const other = await createAuthority('other');
    const wrong = await failure(server, { ca: other.certificate });
    equal(tlsProblem(wrong), words);
  });

  test('names the host that a certificate is not for, and not what is in the certificate', async () => {
    const error = await failure(server, { ...client, servername: 'other.internal' });
    equal(
      tlsProblem(error),
      `${UNVERIFIED}certificate is valid for other names, not other.internal`,
    );
  });

  test('says what the other side missed', async () => {
    const strict = { ...server, requestCert: true, ca: authority.certificate };
    match(String(tlsProblem(await failure(strict, client))), /^remote error: tls: .*certificate/);
    const old = await failure(
      { ...server, maxVersion: 'TLSv1.2' },
      { ...client, minVersion: 'TLSv1.3' },
    );
    match(String(tlsProblem(old)), /^(remote error: )?tls: [a-z0-9 ]+$/);
  });

  test('is told from plain HTTP and from other failures', async () => {
    const plain = createPlain((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    after(() => plain.close());
    const { port } = plain.address() as AddressInfo;
    const socket = connect({ host: '127.0.0.1', port });
    const [error] = await once(socket, 'error');
    equal(tlsProblem(error), 'http: server gave HTTP response to HTTPS client');
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    equal(tlsProblem(refused), undefined);
    equal(tlsProblem('text'), undefined);
  });

  test('of a certificate that is over, or wrong in another way, has words of its own', () => {
    const of = (code: string) => tlsProblem(Object.assign(new Error('Node says'), { code }));
    for (const code of ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']) {
      equal(of(code), `${UNVERIFIED}certificate has expired or is not yet valid`);
    }
    equal(of('CERT_REVOKED'), `${UNVERIFIED}cert revoked`);
    equal(of('ERR_SSL_UNSUPPORTED_PROTOCOL'), 'tls: unsupported protocol');
    ok(!of('UNABLE_TO_GET_ISSUER_CERT_LOCALLY')?.includes('Node'));
  });
});
