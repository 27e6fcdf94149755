// The memory of the service and its children for one index, whatever a chart repository sends. Each case runs in a
// process of its own.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { listen } from '@weir/cluster';
import { buildEngine } from '@weir/render';
import { runMeasured } from '../testing/peak-memory.ts';

const MIB = 1024 ** 2;
const LIMIT = 400_000_000;
/** The largest index without the flag, and the one that an operator with a large repository sets. */
const [DEFAULT, RAISED] = [50 * MIB, 64 * MIB];
const script = join(import.meta.dirname, '../testing/fetch-index-alone.ts');

describe('one index takes less than 400 MB', () => {
  let dir: string;
  let count = 0;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'weir-memory-'));
    await buildEngine();
  });
  after(() => rm(dir, { recursive: true, force: true }));

  async function measure(
    what: string,
    pieces: () => Iterable<string>,
    maxBytes: number,
    expected: RegExp,
  ): Promise<void> {
    const server = await listen((_, response) => void send(response, pieces()));
    const own = join(dir, String(count++));
    const url = `http://127.0.0.1:${server.port}`;
    const run = await runMeasured(script, [own, url, String(maxBytes)]);
    await server.close();
    assert.match(run.stdout, expected);
    assert.ok(run.stdout.length < 2_000, 'the message is bounded');
    assert.ok(run.peakBytes < LIMIT, `it took ${run.peakBytes} bytes: ${run.processes}`);
    console.log(`${what}: at most ${Math.round(run.peakBytes / MIB)} MiB (${run.processes})`);
  }

  test('of 60 MB', () =>
    measure('60 MB', () => indexOf(60 * MIB), RAISED, /"size":6\d{7},"stored":true,"lookup":true/));

  test('of 200 MB', () =>
    measure(
      '200 MB',
      () => indexOf(200 * MIB),
      DEFAULT,
      /index exceeds the maximum index file size of 52428800 bytes/,
    ));

  test('that never ends', () =>
    measure(
      'endless',
      () => indexOf(Number.POSITIVE_INFINITY),
      DEFAULT,
      /index exceeds the maximum index file size of 52428800 bytes/,
    ));

  test('that is one line of 40 MB', () =>
    measure('a line', () => line(40 * MIB), DEFAULT, /"failure":"/));
});

/** An index of charts with a hundred versions each, of a little more than this many bytes. */
function* indexOf(bytes: number): Generator<string> {
  let left = bytes;
  const head = 'apiVersion: v1\nentries:\n';
  yield head;
  for (let chart = 0; left > 0; chart++) {
    const versions = Array.from(
      { length: 100 },
      (_, index) =>
        `  - apiVersion: v2\n    name: app-${chart}\n    version: 1.0.${index}\n    description: ${'words '.repeat(50)}\n    urls: [app-${chart}-1.0.${index}.tgz]\n`,
    );
    const piece = `  app-${chart}:\n${versions.join('')}`;
    left -= piece.length;
    yield piece;
  }
}

function* line(bytes: number): Generator<string> {
  yield 'entries: {';
  for (let left = bytes; left > 0; left -= MIB) yield 'a: ['.padEnd(MIB, '[');
}

async function send(response: ServerResponse, pieces: Iterable<string>): Promise<void> {
  response.on('error', () => undefined);
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  response.on('close', resolve);
  for (const piece of pieces) {
    if (response.destroyed) return;
    if (response.write(piece)) continue;
    const drained = new Promise<void>((done) => void response.once('drain', done));
    await Promise.race([drained, closed]);
  }
  response.end();
}
