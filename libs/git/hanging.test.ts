// Servers that begin to send what was requested and then send nothing more, or send something that is no pack.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { GitError } from './errors.ts';
import { fetchCommit } from './fetch.ts';

const COMMIT = 'c0ffee'.padEnd(40, '0');
/** A line of Git's protocol, with its length before it (gitprotocol-common). */
const line = (text: string) => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;
const ADVERTISED = `${line('# service=git-upload-pack\n')}0000${line('version 2\n')}${line('ls-refs\n')}${line('fetch=shallow\n')}0000`;
const LISTED = `${line(`${COMMIT} refs/heads/main\n`)}0000`;
/** A pack of which the first of two objects never comes (gitformat-pack). */
const BEGUN = `${line('packfile\n')}${line('\x01PACK\0\0\0\x02\0\0\0\x02')}`;

/** Fetches the commit from a server that lists its references correctly, and answers the fetch in the given way. */
async function fetching(
  t: TestContext,
  timeoutMs: number,
  answer: (response: ServerResponse) => void,
): Promise<GitError> {
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
    return answer(response);
  }).listen(0, '127.0.0.1');
  t.after(() => server.close().closeAllConnections());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/repo.git`;
  const options = { url, dir: join(dir, 'repo.git'), commit: COMMIT, timeoutMs };
  const error: unknown = await fetchCommit({ ...options, network: { allowLocal: true } }).then(
    () => assert.fail('it was fetched'),
    (cause: unknown) => cause,
  );
  assert.ok(begun > 0, 'it had begun to send');
  assert.ok(error instanceof GitError, String(error));
  return error;
}

test('a server that hangs in the middle of a fetch is left in time', async (t) => {
  const error = await fetching(t, 2_000, (response) => response.write(BEGUN));
  assert.equal(error.reason, 'Timeout', error.message);
  assert.match(error.message, /no answer within 2s/);
});

test('a server that hangs after what makes git give up keeps no helper of git', async (t) => {
  const started = performance.now();
  // git ends at this line, and its helper would wait for the next one.
  const error = await fetching(t, 20_000, (response) => response.write(line('no section\n')));
  assert.equal(error.reason, 'GitOperationFailed', error.message);
  assert.ok(performance.now() - started < 15_000, 'before its time was up');
});

const garbage: [what: string, answer: string][] = [
  ['lines of no protocol', 'inner secret of the server'],
  ['a pack that is none', `${line('packfile\n')}${line('\x01inner secret of the server')}0000`],
  ['a pack that is cut short', `${BEGUN}0000`],
];
for (const [what, answer] of garbage) {
  test(`a server that sends ${what} for a commit is refused, and not quoted`, async (t) => {
    const error = await fetching(t, 20_000, (response) => response.end(answer));
    assert.equal(error.reason, 'GitOperationFailed', error.message);
    assert.match(error.message, /'http:\/\/127\.0\.0\.1:\d+\/repo\.git'/);
    assert.doesNotMatch(error.message, /inner secret/);
    assert.ok(error.message.length < 600, error.message);
  });
}
