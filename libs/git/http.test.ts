import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type GitServer, startFront, startGitServer, until } from '@weir/cluster';
import { GitError, type GitReason } from './errors.ts';
import { fetchCommit } from './fetch.ts';
import { withObjects } from './objects.ts';
import { type ListRemoteOptions, listRemote as listAny } from './remote.ts';
import { listTree } from './tree.ts';

const timeoutMs = 20_000;
/** The servers of these tests are on this machine. */
const network = { allowLocal: true };

function failsWith(reason: GitReason, message: RegExp, hidden = 'no-such-text') {
  return (error: unknown) => {
    assert.ok(error instanceof GitError, String(error));
    assert.equal(error.reason, reason, error.message);
    assert.match(error.message, message);
    assert.ok(!error.message.includes(hidden), 'the message holds a secret');
    return true;
  };
}

/** The references to ask for; a few are asked for without git. */
let asked: string[] | undefined;

function listRemote(options: ListRemoteOptions): Promise<Map<string, string>> {
  return listAny({ ...(asked === undefined ? {} : { refs: asked }), ...options });
}

const ways: [string, string[] | undefined][] = [
  ['over http', undefined],
  ['over http without git', ['HEAD', 'refs/heads/main']],
];
for (const [way, refs] of ways)
  describe(way, () => {
    let server: GitServer;
    let scratch: string;
    before(async () => {
      asked = refs;
      server = await startGitServer();
      scratch = await mkdtemp(join(tmpdir(), 'weir-git-http-'));
    });
    after(async () => {
      await server.close();
      await rm(scratch, { recursive: true, force: true });
    });

    test('basic authentication, right and wrong', async () => {
      const password = 'p:ä/@ %41';
      const repo = await server.createRepository('basic', { auth: { username: 'ada', password } });
      const commit = await repo.commit({ a: '1' });
      const { url } = repo;
      const auth = { username: 'ada', password };
      const refs = await listRemote({ url, auth, network, timeoutMs });
      assert.equal(refs.get('refs/heads/main'), commit);
      await fetchCommit({ url, auth, commit, dir: join(scratch, 'basic'), network, timeoutMs });

      const inUrl = new URL(url);
      inUrl.username = 'ada';
      inUrl.password = encodeURIComponent(password);
      assert.equal((await listRemote({ url: inUrl.href, network, timeoutMs })).get('HEAD'), commit);

      const required = /^unable to list remote for 'http:.*': authentication required$/;
      const wrong = { username: 'ada', password: 'not-it' };
      await assert.rejects(
        listRemote({ url, auth: wrong, network, timeoutMs }),
        failsWith('AuthenticationFailed', required, 'not-it'),
      );
      await assert.rejects(
        listRemote({ url, network, timeoutMs }),
        failsWith('AuthenticationFailed', required),
      );
    });

    test('bearer token', async () => {
      const repo = await server.createRepository('bearer', { auth: { bearer: 'tok-en' } });
      await repo.commit({ a: '1' });
      const { url } = repo;
      const refs = await listRemote({ url, auth: { bearerToken: 'tok-en' }, network, timeoutMs });
      assert.ok(refs.has('refs/heads/main'));
      await assert.rejects(
        listRemote({ url, auth: { bearerToken: 'wrong-one' }, network, timeoutMs }),
        failsWith('AuthenticationFailed', /authentication required/, 'wrong-one'),
      );
    });

    test('a repository that is not there, a server that is broken', async () => {
      const url = `${server.url}/gone.git`;
      await assert.rejects(
        listRemote({ url, network, timeoutMs }),
        failsWith('RepositoryNotFound', /repository not found/),
      );
      const repo = await server.createRepository('broken');
      repo.setFault({ status: 503 });
      await assert.rejects(
        listRemote({ url: repo.url, network, timeoutMs }),
        failsWith('GitOperationFailed', /error: 503/),
      );
      repo.setFault({ status: 403 });
      await assert.rejects(
        listRemote({ url: repo.url, network, timeoutMs }),
        failsWith('AuthorizationFailed', /authorization failed/),
      );
    });

    test('a server that does not answer is left in time, and nothing runs on', async () => {
      const repo = await server.createRepository('slow');
      repo.setFault({ hang: true });
      const before = performance.now();
      await assert.rejects(
        listRemote({ url: repo.url, network, timeoutMs: 300 }),
        failsWith('Timeout', /context deadline exceeded: no answer within 0.3s/),
      );
      assert.ok(performance.now() - before < 5_000);

      const abort = new AbortController();
      const listing = listRemote({ url: repo.url, network, timeoutMs, signal: abort.signal });
      const isAsked = () =>
        processesWith(repo.url) > 0 || server.requests().some((it) => it.repository === 'slow');
      await until(isAsked, { timeoutMs, message: 'the server to be asked' });
      abort.abort();
      await assert.rejects(listing, failsWith('Aborted', /stopped/));
      await until(() => processesWith(repo.url) === 0, { timeoutMs, message: 'git to end' });
    });

    test('a server of plain files gives neither commits by id nor shallow clones', async () => {
      const repo = await server.createRepository('plain-files');
      const old = await repo.commit({ a: '1' });
      await repo.commit({ a: '2' });
      await repo.git('update-server-info');
      const plain = createServer((request, response) => {
        const path = new URL(request.url ?? '', 'http://files').pathname;
        const file = createReadStream(join(repo.dir, path));
        file.on('error', () => response.writeHead(404).end());
        file.pipe(response);
      });
      plain.listen(0, '127.0.0.1');
      await once(plain, 'listening');
      try {
        const url = `http://127.0.0.1:${(plain.address() as AddressInfo).port}`;
        const dir = join(scratch, 'plain-files');
        await fetchCommit({ url, ref: 'refs/heads/main', commit: old, dir, network, timeoutMs });
        const files = await withObjects({ dir, timeoutMs }, (it) => listTree(it, old));
        assert.deepEqual(
          files.map((file) => file.path),
          ['a'],
        );
        await assert.rejects(
          fetchCommit({
            url,
            ref: 'refs/heads/main',
            commit: 'a'.repeat(40),
            dir,
            network,
            timeoutMs,
          }),
          failsWith('ReferenceNotFound', /unable to resolve commit object for 'a{40}'/),
        );
      } finally {
        plain.close();
      }
    });

    test('private certificate authorities, and no files left behind', async () => {
      const secure = await startGitServer({ tls: true });
      try {
        const auth = { username: 'ada', password: 'secret' };
        const repo = await secure.createRepository('tls', { auth });
        await repo.commit({ a: '1' });
        const { url } = repo;
        const caFile = secure.ca ?? '';
        assert.ok(
          (await listRemote({ url, auth: { ...auth, caFile }, network, timeoutMs })).has('HEAD'),
        );
        await assert.rejects(
          listRemote({ url, auth, network, timeoutMs }),
          failsWith('GitOperationFailed', /certificate/i),
        );
        const left = (await readdir(tmpdir())).filter((name) => name.startsWith('weir-git-cert-'));
        assert.deepEqual(left, []);
      } finally {
        await secure.close();
      }
    });

    test('a server that wants to see a certificate', async () => {
      const closed = await startFront(server.url, { tls: true, mutual: true });
      try {
        const repo = await server.createRepository('mutual');
        const commit = await repo.commit({ a: '1' });
        const url = `${closed.url}/mutual.git`;
        const caFile = closed.ca ?? '';
        const { certificate: clientCert = '', key: clientKey = '' } = closed.client ?? {};
        const auth = { caFile, clientCert, clientKey };
        const refs = await listRemote({ url, auth, network, timeoutMs });
        assert.equal(refs.get('refs/heads/main'), commit);
        await fetchCommit({
          url,
          auth,
          commit,
          dir: join(scratch, `mutual-${way}`),
          network,
          timeoutMs,
        });
        // The server may close the connection before curl has read why.
        await assert.rejects(
          listRemote({ url, auth: { caFile }, network, timeoutMs }),
          failsWith('GitOperationFailed', /unable to access '.*\/mutual\.git\/'/),
        );
      } finally {
        await closed.close();
      }
    });

    describe('redirects', () => {
      let front: Server;
      let here: string;
      let target: string;
      before(async () => {
        front = createServer((request, response) => {
          const path = request.url ?? '';
          // As a hosting service that wants `.git` at the end, and one that has moved elsewhere.
          const elsewhere = path.startsWith('/moved');
          const to = elsewhere
            ? `${server.url}${path.replace('/moved/', '/basic.git/')}`
            : path.replace(/^\/plain\//, '/plain.git/');
          if (to !== path) response.writeHead(301, { location: to }).end();
          else {
            seen.push(request.headers.authorization ?? '');
            response.writeHead(503).end();
          }
        });
        front.listen(0, '127.0.0.1');
        await once(front, 'listening');
        here = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
        target = `${server.url}/basic.git`;
      });
      after(() => front.close());
      const seen: string[] = [];

      test('within the host are followed with credentials', async () => {
        const auth = { username: 'ada', password: 'pass' };
        await assert.rejects(
          listRemote({ url: `${here}/plain`, auth, network, timeoutMs }),
          failsWith('GitOperationFailed', /error: 503/),
        );
        assert.ok(seen.length > 0 && seen.every((header) => header.startsWith('Basic ')));
      });

      test('to another host are not', async () => {
        server.clearRequests();
        await assert.rejects(
          listRemote({
            url: `${here}/moved`,
            auth: { username: 'ada', password: 'pass' },
            network,
            timeoutMs,
          }),
          failsWith('GitOperationFailed', new RegExp(`redirects to '${target}/info/refs`), 'pass'),
        );
        assert.deepEqual(server.requests(), []);
      });

      test('are followed anywhere without credentials', async () => {
        await assert.rejects(
          listRemote({ url: `${here}/moved`, network, timeoutMs }),
          failsWith('AuthenticationFailed', /authentication required/),
        );
        assert.ok(server.requests().length > 0);
      });
    });
  });

/** How many processes have a text in their command line. */
function processesWith(text: string): number {
  const commands = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
  return commands.filter((command) => command.includes(text) && command.startsWith('git')).length;
}
