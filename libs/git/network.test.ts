// The addresses that git connects to, whatever a URL, a name server or a redirect says, and the part of them that a
// message shows.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type GitServer, type GitServerRepository, startGitServer } from '@weir/cluster';
import type { Resolver } from '@weir/net';
import { findDestination } from './destination.ts';
import { GitError, type GitReason } from './errors.ts';
import { nextTarget } from './redirect.ts';
import { type ListRemoteOptions, listRemote as listAny } from './remote.ts';

const timeoutMs = 20_000;
const local = { allowLocal: true };

/** A name server that gives every name these addresses. */
function resolverOf(...addresses: string[]): Resolver {
  return (_, __, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
}

/** The references to ask for; a few are asked for without git. */
let refs: string[] | undefined;

function listRemote(options: ListRemoteOptions): Promise<Map<string, string>> {
  return listAny({ ...(refs === undefined ? {} : { refs }), ...options });
}

async function failure(options: Partial<ListRemoteOptions> & { url: string }): Promise<GitError> {
  try {
    await listRemote({ timeoutMs, network: local, ...options });
  } catch (error) {
    if (error instanceof GitError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

const ways: [string, string[] | undefined][] = [
  ['git connects', undefined],
  ['who asks without git connects', ['HEAD']],
];
for (const [way, asked] of ways)
  describe(way, () => {
    let git: GitServer;
    let repo: GitServerRepository;
    const servers: Server[] = [];
    before(async () => {
      refs = asked;
      git = await startGitServer();
      repo = await git.createRepository('repo');
      await repo.commit({ a: '1' });
    });
    after(async () => {
      for (const server of servers) server.close().closeAllConnections();
      await git.close();
    });

    /** A server on this machine; its URL without a slash at its end. */
    async function serve(listener: RequestListener): Promise<string> {
      const server = createServer(listener).listen(0, '127.0.0.1');
      servers.push(server);
      await once(server, 'listening');
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    }

    /** A server that redirects to what follows the first part of the path, and keeps the requests. */
    async function redirector(to: (request: IncomingMessage) => string) {
      const requests: IncomingMessage[] = [];
      const url = await serve((request, response) => {
        requests.push(request);
        response.writeHead(302, { location: to(request) }).end('the secret of the inner service');
      });
      return { url, requests };
    }

    const refused = (error: GitError) => {
      assert.equal(error.reason, 'AddressRefused' satisfies GitReason, error.message);
      assert.match(
        error.message,
        /^unable to list remote for '.*address, which is refused; the flag/,
      );
    };

    test('to no address of this machine, however it is written', async () => {
      git.clearRequests();
      const { port } = git;
      const hosts = ['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]', '0'];
      for (const host of [...hosts, '127.1', 'LOCALHOST.', '169.254.169.254', '[fe80::1]']) {
        refused(await failure({ url: `http://${host}:${port}/repo.git`, network: {} }));
      }
      assert.deepEqual(git.requests(), []);
    });

    test('to no name that resolves to such an address', async () => {
      for (const address of ['127.0.0.1', '::1', '169.254.169.254', '::ffff:169.254.169.254']) {
        const network = { resolver: resolverOf(address) };
        refused(await failure({ url: `http://git.example:${git.port}/repo.git`, network }));
      }
    });

    test('to the address that was checked: it resolves nothing itself', async () => {
      const network = { ...local, resolver: resolverOf('127.0.0.1') };
      for (const host of ['git.example.invalid', 'git.example.invalid.', 'GIT.example.invalid']) {
        const url = `http://${host}:${git.port}/repo.git`;
        assert.ok((await listRemote({ url, network, timeoutMs })).has('HEAD'));
      }
      const { config } = await findDestination('https://git.example.invalid/x', {
        resolver: resolverOf('127.0.0.1', '192.0.2.1', '2001:db8::1'),
      });
      const pin = 'git.example.invalid:443:192.0.2.1,[2001:db8::1]';
      assert.deepEqual(config, [
        ['http.proxy', ''],
        ['http.curloptResolve', pin],
      ]);
    });

    test('through the proxy of the environment, and to no other', async () => {
      process.env.http_proxy = git.url;
      process.env.no_proxy = 'direct.invalid';
      try {
        // A name that only the proxy knows.
        const url = 'http://inner.invalid/repo.git';
        assert.ok((await listRemote({ url, network: {}, timeoutMs })).has('HEAD'));
        refused(await failure({ url: 'http://169.254.169.254/repo.git', network: {} }));
        const direct = await failure({ url: 'http://direct.invalid/repo.git', network: {} });
        assert.match(direct.message, /Could not resolve host: direct\.invalid/);
      } finally {
        delete process.env.http_proxy;
        delete process.env.no_proxy;
      }
    });

    test('behind a redirect to checked addresses only, five of them at most', async () => {
      const network = { resolver: resolverOf('127.0.0.1') };
      const { url, requests } = await redirector(
        () => `${repo.url}/info/refs?service=git-upload-pack`,
      );
      refused(await failure({ url: url.replace('127.0.0.1', 'git.example'), network }));
      assert.equal(requests.length, 0);
      assert.ok((await listRemote({ url, network: local, timeoutMs })).has('HEAD'));

      const loop = await redirector(({ url: path }) => `/next${path}`);
      const error = await failure({ url: `${loop.url}/x` });
      assert.match(error.message, /redirects more than 5 times/);
      assert.ok(loop.requests.length < 10);
    });

    test('with client certificates to no other host', async () => {
      git.clearRequests();
      const { url } = await redirector(() => `${repo.url}/info/refs?service=git-upload-pack`);
      const auth = { clientCert: 'not read over http', clientKey: 'not read either' };
      const error = await failure({ url, auth });
      assert.match(error.message, /where its credentials are not sent/);
      assert.deepEqual(git.requests(), []);
    });

    test('never from https to http, and to repositories alone', () => {
      const discovery = '/info/refs?service=git-upload-pack';
      const from = 'https://git.example/repo';
      const next =
        (to: string, withCredentials = false) =>
        () =>
          nextTarget(from, to, withCredentials);
      assert.throws(next(`http://git.example/repo.git${discovery}`), /which is not encrypted/);
      assert.throws(next('https://git.example/login'), /which is no repository/);
      assert.throws(next(`file:///etc/passwd${discovery}`), /which is no way/);
      assert.throws(
        next(`https://other.example/repo.git${discovery}`, true),
        /credentials are not sent/,
      );
      assert.equal(
        next(`https://other.example/r.git${discovery}`)(),
        'https://other.example/r.git',
      );
      assert.equal(next(`/repo.git${discovery}`, true)(), 'https://git.example/repo.git');
      assert.equal(next(`https://u:p@git.example/r${discovery}`, true)(), 'https://git.example/r');
      const long = `https://git.example/${'x'.repeat(5_000)}?token=abc`;
      assert.throws(next(long), (error: Error) => error.message.length < 400);
    });

    test('and quotes neither tokens nor what a server says', async () => {
      const token = 'tok-3n-of-ours';
      const url = await serve((request, response) => {
        const status = request.url?.startsWith('/500') ? 500 : 200;
        const type = request.url?.startsWith('/text') ? 'text/plain' : 'text/html';
        response.writeHead(status, { 'content-type': type });
        response.end(`inner secret \u001b[31m\tof ${request.url}${'!'.repeat(100_000)}\n`);
      });
      for (const path of ['/500', '/text', '/html']) {
        const error = await failure({ url: `${url}${path}/repo.git?token=${token}&page=2` });
        assert.doesNotMatch(error.message, /inner secret|tok-3n|page=2|!!!/, path);
        assert.doesNotMatch(error.message, /\p{C}/u);
        assert.ok(error.message.length < 600, error.message);
      }
    });
  });
