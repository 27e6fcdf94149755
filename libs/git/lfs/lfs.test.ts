// Contents of Git LFS, fetched from a server that follows the documentation, and what servers and authors could try.
import { deepEqual, equal, match, rejects, throws } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type LfsServer, listen, startLfsServer } from '@weir/cluster';
import type { GitAuth } from '../auth.ts';
import { GitError, type GitReason } from '../errors.ts';
import { fetchLfs } from './fetch.ts';
import { type LfsPointer, parsePointer } from './pointer.ts';

const AUTH = { username: 'ann', password: 's3cret-pw' };
const HEADER = `Basic ${Buffer.from('ann:s3cret-pw').toString('base64')}`;

function read(pointer: string): LfsPointer {
  const found = parsePointer(Buffer.from(pointer));
  if (found === undefined) throw new Error('no pointer');
  return found;
}

describe('contents of Git LFS', () => {
  let server: LfsServer;
  let dir: string;
  beforeEach(async () => {
    server = await startLfsServer('http://127.0.0.1:1');
    dir = await mkdtemp(join(tmpdir(), 'lfs-'));
  });
  afterEach(async () => {
    await server.close();
    await rm(dir, { recursive: true, force: true });
  });

  function fetchAll(
    pointers: LfsPointer[],
    options: { auth?: GitAuth; maxBytes?: number; allowLocal?: boolean; timeoutMs?: number } = {},
  ) {
    const { auth, maxBytes = 10_000, allowLocal = true, timeoutMs = 20_000 } = options;
    const url = `${server.url}/org/app.git`;
    const signal = AbortSignal.timeout(timeoutMs);
    return fetchLfs(pointers, { url, auth, network: { allowLocal }, dir, maxBytes, signal });
  }

  const refused = (reason: GitReason, message: RegExp) => (error: unknown) => {
    equal(error instanceof GitError && error.reason, reason, String(error));
    match(String(error), message);
    equal(/s3cret|token=t|quoted by nobody/.test(String(error)), false, String(error));
    return true;
  };

  test('are fetched with the credentials of the repository, once', async () => {
    server.protect(HEADER);
    const pointers = ['one', 'two', 'one'].map((it) => read(server.put(it)));
    await rejects(fetchAll(pointers), refused('AuthenticationFailed', /authentication required$/));
    const pathOf = await fetchAll(pointers, { auth: AUTH });
    equal(await readFile(pathOf(pointers[0]?.oid ?? ''), 'utf8'), 'one');
    equal(await readFile(pathOf(pointers[1]?.oid ?? ''), 'utf8'), 'two');
    equal(server.downloads().length, 2);
    server.clear();
    await fetchAll(pointers, { auth: AUTH });
    deepEqual(server.requests(), [], 'what is there is not asked for again');
    await fetchAll(pointers.slice(1, 2), { auth: AUTH });
    deepEqual(await readdir(dir), [pointers[1]?.oid], 'what no pointer names goes');
  });

  test('are asked for by the hundred', async () => {
    const pointers = Array.from({ length: 250 }, (_, n) => read(server.put(`content ${n}`)));
    await fetchAll(pointers);
    equal(server.requests().filter(({ path }) => path.endsWith('/objects/batch')).length, 3);
    equal((await readdir(dir)).length, 250);
  });

  test('of another host get what the server says, and no credentials', async () => {
    server.protect(HEADER);
    const reserved = { host: 'example.com', 'content-length': '7', 'transfer-encoding': 'chunked' };
    server.storeElsewhere({ 'x-signature': 'abc', ...reserved });
    await fetchAll([read(server.put('one'))], { auth: AUTH });
    const [download] = server.downloads();
    equal(download?.authorization, undefined);
    match(download?.host ?? '', /^127\.0\.0\.1:/);
    equal(download?.headers.includes('x-signature'), true);
    equal(download?.headers.includes('transfer-encoding'), false);
  });

  test('that are redirected get no credentials elsewhere', async (t) => {
    const asked: (string | undefined)[] = [];
    const other = await listen((request, response) => {
      asked.push(request.headers.authorization, request.headers['x-signature'] as string);
      response.end('one');
    });
    t.after(() => other.close());
    server.protect(HEADER);
    server.answerWith((answer) => {
      for (const { actions } of answer.objects) {
        if (actions) actions.download.header = { 'x-signature': 'abc' };
      }
      return answer;
    });
    server.serveWith((_, response) => {
      response.writeHead(307, { location: `${other.url}/x` }).end();
      return true;
    });
    await fetchAll([read(server.put('one'))], { auth: AUTH });
    deepEqual(asked, [undefined, undefined]);
  });

  test('that are others, cut short, too long or endless leave nothing', async () => {
    const pointer = read(server.put('one'));
    const wrong = refused('GitOperationFailed', /what was sent is not what the pointer names$/);
    for (const content of ['two', 'on', 'one and more', '']) {
      server.serveWith((_, response) => {
        response.end(content);
        return true;
      });
      await rejects(fetchAll([pointer]), wrong, content);
    }
    server.serveWith((_, response) => {
      response.writeHead(200, { 'content-length': '3' }).write('o');
      setTimeout(() => response.destroy(), 50);
      return true;
    });
    await rejects(fetchAll([pointer]), refused('Unreachable', /unable to access '.*': /));
    server.serveWith((_, response) => {
      const pour = () => {
        while (!response.destroyed && response.write(Buffer.alloc(100_000)));
      };
      response.on('drain', pour);
      pour();
      return true;
    });
    await rejects(fetchAll([pointer]), wrong);
    server.serveWith(() => true);
    await rejects(fetchAll([pointer], { timeoutMs: 300 }), refused('Timeout', /took too long/));
    deepEqual(await readdir(dir), []);
  });

  test('that are too many bytes together are not asked for', async () => {
    const pointers = [read(server.put('x'.repeat(600))), read(server.put('y'.repeat(600)))];
    const message = /have 1200 bytes, of 1000 at most \(--artifact-max-bytes\)/;
    await rejects(fetchAll(pointers, { maxBytes: 1_000 }), refused('LimitExceeded', message));
    deepEqual(server.requests(), []);
  });

  test('are told by name where the server lacks them', async () => {
    const { oid, size } = read(server.put('one'));
    const gone = { oid: 'ab'.repeat(32), size: 7 };
    const message = new RegExp(`LFS object ${gone.oid}: the LFS server has no such object$`);
    await rejects(fetchAll([{ oid, size }, gone]), refused('GitOperationFailed', message));
  });

  test('are not fetched for answers that are none', async () => {
    const pointer = read(server.put('one'));
    const download = (change: object) => ({
      objects: [{ ...pointer, actions: { download: change } }],
    });
    const answers: [answer: unknown, message: RegExp][] = [
      ['quoted by nobody', /none of the LFS batch API/],
      [{ transfer: 'tus', objects: [] }, /none of the LFS batch API/],
      [{ objects: [] }, /names no place/],
      [{ objects: [null] }, /names no place/],
      [download({}), /names no place/],
      [download({ href: 'file:///etc/passwd' }), /names no place/],
      [download({ href: `${server.url}/x`, header: { 'a b': 'c' } }), /no headers/],
      [download({ href: `${server.url}/x`, header: { a: 'c\r\nx: y' } }), /no headers/],
      [download({ href: `${server.url}/x`, header: { a: 'c'.repeat(9_000) } }), /no headers/],
      [{ objects: [{ ...pointer, size: 99 }] }, /another size/],
      [{ objects: [{ ...pointer, error: { code: 500, message: 'quoted by nobody' } }] }, /refuses/],
      [{ objects: [], more: 'x'.repeat(2 * 1024 ** 2) }, /more than 1048576 bytes/],
    ];
    for (const [answer, message] of answers) {
      server.answerWith(() => answer);
      const check = (error: unknown) => error instanceof GitError && message.test(error.message);
      await rejects(fetchAll([pointer]), check, String(message));
    }
    deepEqual(server.downloads(), []);
  });

  test('are not fetched from addresses of this machine', async () => {
    const refusal = refused('AddressRefused', /127\.0\.0\.1/);
    await rejects(fetchAll([read(server.put('one'))], { allowLocal: false }), refusal);
  });

  test('are not fetched over ssh', async () => {
    const signal = AbortSignal.timeout(5_000);
    const pointer = read(server.put('one'));
    const options = { url: 'ssh://git@example.com/app', dir, maxBytes: 1_000, signal };
    await rejects(fetchLfs([pointer], options), refused('InvalidArgument', /needs a url of http/));
  });
});

test('a pointer is what the specification says, and nothing else', () => {
  const oid = createHash('sha256').update('x').digest('hex');
  const head = 'version https://git-lfs.github.com/spec/v1\n';
  const parse = (text: string) => parsePointer(Buffer.from(text));
  deepEqual(parse(`${head}oid sha256:${oid}\nsize 12\n`), { oid, size: 12 });
  deepEqual(parse(`version https://hawser.github.com/spec/v1\noid sha256:${oid}\nsize 1\n`), {
    ...{ oid, size: 1 },
  });
  const others = [
    '',
    head,
    `${head}oid sha256:${oid}\nsize 12`,
    `${head}oid sha256:${oid}\nsize -1\n`,
    `${head}oid sha256:${oid.slice(1)}\nsize 12\n`,
    `${head}oid md5:${oid}\nsize 12\n`,
    `${head}oid sha256:${oid}\nsize 99999999999999999999\n`,
    `version https://example.com/v1\noid sha256:${oid}\nsize 12\n`,
    `${head}oid sha256:${oid}\nsize 12\n${'x'.repeat(1_024)} y\n`,
    `x${head}oid sha256:${oid}\nsize 12\n`,
  ];
  for (const text of others) equal(parse(text), undefined, text);
  throws(() => parse(`${head}ext-0-foo sha256:${oid}\noid sha256:${oid}\nsize 12\n`), /extension/);
});
