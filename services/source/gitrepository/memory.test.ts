// The memory of the service and its children for one repository, whatever it contains. Each case runs in a process of
// its own.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type GitServer, startGitServer } from '@weir/cluster';
import { createHostileRepository, type HostileRepository } from '@weir/git/testing';
import { buildEngine } from '@weir/render';
import { runMeasured } from '../testing/peak-memory.ts';

const MIB = 1024 ** 2;
const LIMIT = 400_000_000;
const script = join(import.meta.dirname, '../testing/fetch-alone.ts');

describe('one repository takes less than 400 MB', () => {
  let dir: string;
  let server: GitServer;
  let count = 0;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'weir-memory-'));
    server = await startGitServer();
    await buildEngine();
  });
  after(async () => {
    await server.close();
    await rm(dir, { recursive: true, force: true });
  });

  async function measure(
    build: (repo: HostileRepository) => Promise<unknown>,
    expected: RegExp,
    ref: object = { branch: 'main' },
  ): Promise<void> {
    const name = `case-${++count}`;
    const served = await server.createRepository(name);
    await build(await createHostileRepository(served.dir));
    const wanted = JSON.stringify({ url: served.url, ref });
    const run = await runMeasured(script, [join(dir, name), wanted]);
    assert.match(run.stdout, expected);
    assert.ok(run.stdout.length < 2_000, 'the message is bounded');
    assert.ok(run.peakBytes < LIMIT, `it took ${run.peakBytes} bytes: ${run.processes}`);
    console.log(`${name}: at most ${Math.round(run.peakBytes / MIB)} MiB (${run.processes})`);
  }

  test('with a folder name of 4 MB', () =>
    measure(async (repo) => {
      const files = Array.from({ length: 100 }, (_, index) => repo.file(`file-${index}`));
      const folder = repo.folder('n'.repeat(4_000_000), await repo.tree(files));
      await repo.commit(await repo.tree([folder]));
    }, /has more than 255 bytes/));

  test('with 128 MB of zeros', () =>
    measure(async (repo) => {
      const id = await repo.object('blob', Buffer.alloc(128 * MIB));
      await repo.commit(await repo.tree([{ ...repo.file('zeros'), id }]));
    }, /"digest":"sha256:/));

  test('with files of 60 MB that differ by a byte', () =>
    measure(async (repo) => {
      const entries = [];
      for (const seed of [1, 2, 3]) {
        const content = Buffer.alloc(60 * MIB);
        content[30 * MIB] = seed;
        const id = await repo.object('blob', content);
        entries.push({ ...repo.file(`file-${seed}`), id });
      }
      await repo.commit(await repo.tree(entries));
      await repo.git(['-c', 'core.bigFileThreshold=1g', 'repack', '-adq', '--window=10']);
    }, /git needs more memory than it may take.*--git-max-memory-bytes/));

  test('with a million files', () =>
    measure(async (repo) => {
      const entries = Array.from({ length: 1_000_000 }, (_, index) =>
        repo.file(String(index).padStart(7, '0')),
      );
      await repo.commit(await repo.tree(entries));
    }, /more than 100000 files/));

  test('with 95,000 files of long paths', () =>
    measure(async (repo) => {
      const files = Array.from({ length: 95_000 }, (_, index) =>
        repo.file(`${'f'.repeat(150)}-${String(index).padStart(7, '0')}`),
      );
      await repo.commit(await repo.tree([repo.folder('folder', await repo.tree(files))]));
    }, /"digest":"sha256:/));

  test('with one file that does not compress, a thousand times', () =>
    measure(async (repo) => {
      const id = await repo.object('blob', randomBytes(500_000));
      const files = Array.from({ length: 1_000 }, (_, index) => ({ ...repo.file(`${index}`), id }));
      await repo.commit(await repo.tree(files));
    }, /--artifact-max-packed-bytes/));

  test('with a commit message of 100 MB', () =>
    measure(async (repo) => {
      const tree = await repo.tree([repo.file('file')]);
      const header = `tree ${tree}\nauthor E <e@x> 1 +0000\ncommitter E <e@x> 1 +0000\n\n`;
      const content = Buffer.concat([Buffer.from(header), Buffer.alloc(100 * MIB, 'm')]);
      const id = await repo.object('commit', content);
      await repo.git(['update-ref', 'refs/heads/main', id]);
    }, /"failure":/));

  test('with 200,000 tags', () =>
    measure(
      async (repo) => {
        const commit = await repo.commit(await repo.tree([repo.file('file')]));
        const lines = Array.from(
          { length: 200_000 },
          (_, index) => `${commit} refs/tags/v1.0.${String(index).padStart(6, '0')}`,
        );
        await writeFile(
          join(repo.dir, 'packed-refs'),
          `# pack-refs with: peeled fully-peeled sorted\n${lines.join('\n')}\n`,
        );
      },
      /"digest":"sha256:|"failure":/,
      { semver: '>=1.0.0' },
    ));
});
