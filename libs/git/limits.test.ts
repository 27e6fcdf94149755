// A server's answer is cut off while it arrives, and what it makes git do ends with that process.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createDeflate, deflateSync } from 'node:zlib';
import { type GitServer, startGitServer } from '@weir/cluster';
import { GitError } from './errors.ts';
import { fetchCommit } from './fetch.ts';
import { folderSize, whileGrowing } from './growth.ts';
import { createHostileRepository } from './testing/hostile.ts';

const timeoutMs = 60_000;
const network = { allowLocal: true };
/** MiB of history of a repository; a gigabyte with `WEIR_HISTORY_MIB=1024`. */
const HISTORY_MIB = Number(process.env.WEIR_HISTORY_MIB ?? 10);
const MIB = 1024 ** 2;

function exceeds(message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof GitError, String(error));
    assert.match(error.message, message);
    assert.equal(error.reason, 'LimitExceeded');
    return true;
  };
}

describe('a fetch is cut off', () => {
  let server: GitServer;
  let dir: string;
  before(async () => {
    server = await startGitServer();
    dir = await mkdtemp(join(tmpdir(), 'weir-git-limits-'));
  });
  after(async () => {
    await server.close();
    await rm(dir, { recursive: true, force: true });
  });

  test('with a pack that is too large, at its limit', async () => {
    const repo = await server.createRepository('large');
    const hostile = await createHostileRepository(repo.dir);
    const id = await hostile.object('blob', randomBytes(12 * MIB));
    const commit = await hostile.commit(await hostile.tree([{ ...hostile.file('large'), id }]));
    const target = join(dir, 'large');
    const limits = { fileBytes: 4 * MIB };
    const fetch = { url: repo.url, commit, dir: target, network, timeoutMs };
    await assert.rejects(
      fetchCommit({ ...fetch, limits }),
      exceeds(
        /the pack that the server sends is too large: its limit is 4194304 bytes \(--git-max-pack-bytes\)/,
      ),
    );
    const { bytes } = await folderSize(target, 1_000);
    assert.ok(bytes < 6 * MIB, `${bytes} bytes are left`);
    await fetchCommit(fetch);
  });

  test('but not by the history of a commit, of which nothing is transferred', async () => {
    const repo = await server.createRepository('history');
    for (let left = HISTORY_MIB; left > 0; left -= 2) {
      await repo.commit({ 'file.txt': randomBytes(2 * MIB).toString('latin1') });
    }
    const commit = await repo.commit({ 'file.txt': 'small' });
    const { bytes: history } = await folderSize(repo.dir, 10_000);
    assert.ok(history > HISTORY_MIB * MIB, `${history} bytes of history`);
    for (const ref of [undefined, 'refs/heads/main']) {
      const target = join(dir, `history-${ref === undefined}`);
      await fetchCommit({
        ...{ url: repo.url, commit, dir: target, network, timeoutMs, limits: { fileBytes: MIB } },
        ...(ref === undefined ? {} : { ref }),
      });
      const { bytes } = await folderSize(target, 1_000);
      assert.ok(bytes < MIB, `${bytes} bytes were fetched`);
    }
  });

  test('when it makes git take more memory than it may', async () => {
    const repo = await server.createRepository('memory');
    const hostile = await createHostileRepository(repo.dir);
    const entries = [];
    for (const seed of [1, 2]) {
      const content = Buffer.alloc(40 * MIB);
      content[20 * MIB] = seed;
      entries.push({ ...hostile.file(`${seed}`), id: await hostile.object('blob', content) });
    }
    const commit = await hostile.commit(await hostile.tree(entries));
    await hostile.git(['-c', 'core.bigFileThreshold=1g', 'repack', '-adq']);
    const fetch = { url: repo.url, commit, dir: join(dir, 'memory'), network, timeoutMs };
    await assert.rejects(
      fetchCommit({ ...fetch, limits: { memoryBytes: 40 * MIB } }),
      exceeds(
        /git needs more memory than it may take: .* 41943040 bytes a process \(--git-max-memory-bytes\)/,
      ),
    );
    await fetchCommit({ ...fetch, limits: { memoryBytes: 200 * MIB } });
  });

  test('from a server of plain files that never ends', async () => {
    const endless = createServer((request, response) => {
      const path = new URL(request.url ?? '', 'http://files').pathname;
      if (path.endsWith('/info/refs')) response.end(`${'1'.repeat(40)}\trefs/heads/main\n`);
      else if (path.endsWith('/HEAD')) response.end('ref: refs/heads/main\n');
      else if (!path.includes('/objects/11/')) response.writeHead(404).end();
      else {
        const object = createDeflate({ level: 0 });
        object.pipe(response);
        object.write('commit 9999999999\0');
        const timer = setInterval(() => object.write(randomBytes(MIB)), 5);
        response.on('close', () => clearInterval(timer));
      }
    });
    endless.listen(0, '127.0.0.1');
    await once(endless, 'listening');
    try {
      const url = `http://127.0.0.1:${(endless.address() as AddressInfo).port}/x.git`;
      const target = join(dir, 'endless');
      const ref = 'refs/heads/main';
      const fetch = { url, ref, commit: '1'.repeat(40), dir: target, network, timeoutMs: 20_000 };
      const begin = performance.now();
      const fetching = fetchCommit({ ...fetch, limits: { fileBytes: 4 * MIB } });
      await assert.rejects(fetching, /Failure writing output/);
      assert.ok(performance.now() - begin < 15_000);
      const { bytes } = await folderSize(target, 1_000);
      assert.ok(bytes < 10 * MIB, `${bytes} bytes are left`);
    } finally {
      endless.close().closeAllConnections();
    }
  });

  test('when a folder grows by too many bytes or files', async () => {
    const folder = await mkdtemp(join(dir, 'growing-'));
    const fill = (size: number) => async (signal: AbortSignal) => {
      for (let count = 0; !signal.aborted; count++) {
        await writeFile(join(folder, `${count}`), Buffer.alloc(size));
        if (count % 200 === 0) await delay(1);
      }
      throw new Error('it was stopped');
    };
    const options = { dir: folder, maxBytes: MIB };
    await assert.rejects(
      whileGrowing('unable to clone', options, fill(100_000)),
      exceeds(
        /^unable to clone: the server sends more than 1048576 bytes \(--git-max-pack-bytes\)$/,
      ),
    );
    const outer = AbortSignal.abort();
    const stopped = whileGrowing('x', { ...options, signal: outer }, fill(1));
    await assert.rejects(stopped, /it was stopped/);
    assert.equal(await whileGrowing('x', options, async () => 'done'), 'done');
  });
});

/** The sizes of small files, for the limit on their number. */
test('a small file counts with the block that it takes', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'weir-git-size-'));
  try {
    for (let count = 0; count < 10; count++) {
      await writeFile(join(dir, `${count}`), deflateSync(Buffer.from('x')));
    }
    const size = await folderSize(dir, 100);
    assert.equal(size.files, 10);
    assert.ok(size.bytes >= 10 * 512, `${size.bytes} bytes`);
    assert.equal((await folderSize(dir, 3)).files, 4);
    assert.deepEqual(await folderSize(join(dir, 'missing'), 3), { bytes: 0, files: 0 });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
