// A server that begins to send what was asked for, and then says nothing any more.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { GitError } from './errors.ts';
import { fetchCommit } from './fetch.ts';

const COMMIT = 'c0ffee'.padEnd(40, '0');
/** A line of Git's protocol, with its length before it (gitprotocol-common). */
const line = (text: string) => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;
const ADVERTISED = `${line('# service=git-upload-pack\n')}0000${line('version 2\n')}${line('ls-refs\n')}${line('fetch=shallow\n')}0000`;
const LISTED = `${line(`${COMMIT} refs/heads/main\n`)}0000`;
/** A pack of which the first of two objects never comes (gitformat-pack). */
const BEGUN = `${line('packfile\n')}${line('\x01PACK\0\0\0\x02\0\0\0\x02')}`;

test('a server that hangs in the middle of a fetch is left in time', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'weir-hanging-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  let begun = 0;
  const server = createServer(async (request, response) => {
    const isPost = request.method === 'POST';
    const type = isPost ? 'result' : 'advertisement';
    response.setHeader('content-type', `application/x-git-upload-pack-${type}`);
    if (!isPost) return response.end(ADVERTISED);
    const asked = (await buffer(request)).toString('latin1');
    if (!asked.includes('command=fetch')) return response.end(LISTED);
    begun += 1;
    return response.write(BEGUN);
  }).listen(0, '127.0.0.1');
  t.after(() => server.close().closeAllConnections());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/repo.git`;
  const fetching = fetchCommit({
    ...{ url, dir: join(dir, 'repo.git'), commit: COMMIT, network: { allowLocal: true } },
    timeoutMs: 2_000,
  });
  await assert.rejects(fetching, (error: unknown) => {
    assert.ok(error instanceof GitError);
    assert.equal(error.reason, 'Timeout', error.message);
    assert.match(error.message, /no answer within 2s/);
    return true;
  });
  assert.ok(begun > 0, 'it had begun to send');
});
