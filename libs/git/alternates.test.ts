// A server of plain files may say that its objects are at another address too. git must not fetch from there, as nobody
// has checked that address.
import { deepEqual, ok, rejects } from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { listen, startGitServer } from '@weir/cluster';
import { GitError } from './errors.ts';
import { fetchCommit } from './fetch.ts';

test('objects that a server says are elsewhere are not fetched from there', async (t) => {
  const git = await startGitServer();
  t.after(() => git.close());
  const dir = await mkdtemp(join(tmpdir(), 'weir-git-alternates-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const repo = await git.createRepository('alternates');
  const commit = await repo.commit({ a: '1' });
  await repo.git('update-server-info');

  const elsewhere: string[] = [];
  const other = await listen((request, response) => {
    elsewhere.push(request.url ?? '');
    createReadStream(join(repo.dir, 'objects', request.url ?? ''))
      .on('error', () => response.writeHead(404).end())
      .pipe(response);
  });
  t.after(() => other.close());
  const asked: string[] = [];
  const plain = await listen((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://files');
    asked.push(pathname);
    if (/^\/objects\/info\/(http-)?alternates$/.test(pathname)) {
      response.end(`${other.url}/\n`);
      return;
    }
    if (pathname.startsWith('/objects/')) {
      response.writeHead(404).end();
      return;
    }
    createReadStream(join(repo.dir, pathname))
      .on('error', () => response.writeHead(404).end())
      .pipe(response);
  });
  t.after(() => plain.close());

  const fetching = fetchCommit({
    ...{ url: plain.url, ref: 'refs/heads/main', commit, dir: join(dir, 'cache') },
    ...{ network: { allowLocal: true }, timeoutMs: 20_000 },
  });
  await rejects(fetching, GitError);
  ok(
    asked.some((path) => path.includes('alternates')),
    asked.join('\n'),
  );
  deepEqual(elsewhere, []);
});
