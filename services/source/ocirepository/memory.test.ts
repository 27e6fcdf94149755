// The memory of the service and its children for one artifact, whatever a registry contains. Each case runs in a
// process of its own.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Front, type RegistryServer, startFront, startRegistry } from '@weir/cluster';
import { pushArtifact, tar } from '@weir/oci/testing';
import { buildEngine } from '@weir/render';
import { runMeasured } from '../testing/peak-memory.ts';

const MIB = 1024 ** 2;
const LIMIT = 400_000_000;
const script = join(import.meta.dirname, '../testing/pull-alone.ts');

describe('one artifact takes less than 400 MB', () => {
  const stack = new AsyncDisposableStack();
  let dir: string;
  let registry: RegistryServer;
  let front: Front;
  let count = 0;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'weir-memory-'));
    registry = stack.adopt(await startRegistry(), (it) => it.close());
    front = stack.adopt(await startFront(registry.url), (it) => it.close());
    await buildEngine();
  });
  after(async () => {
    await stack.disposeAsync();
    await rm(dir, { recursive: true, force: true });
  });

  async function measure(what: string, ref: object, expected: RegExp): Promise<void> {
    const wanted = JSON.stringify({ registry: front.host, name: `app-${count}`, ref });
    const run = await runMeasured(script, [join(dir, String(count)), wanted]);
    assert.match(run.stdout, expected);
    assert.ok(run.stdout.length < 2_000, 'the message is bounded');
    assert.ok(run.peakBytes < LIMIT, `it took ${run.peakBytes} bytes: ${run.processes}`);
    console.log(`${what}: at most ${Math.round(run.peakBytes / MIB)} MiB (${run.processes})`);
  }

  async function measureLayer(what: string, content: Buffer, expected: RegExp): Promise<void> {
    await pushArtifact(registry, `app-${++count}`, { tag: 'v1', layers: [{ content }] });
    await measure(what, { tag: 'v1' }, expected);
  }

  test('with 300 MB of zeros', () =>
    measureLayer(
      'zeros',
      gzipSync(tar([{ path: 'zeros', content: Buffer.alloc(300 * MIB) }])),
      /"digest":"sha256:/,
    ));

  test('with 50,000 files', () => {
    const entries = Array.from({ length: 50_000 }, (_, index) => ({
      ...{ path: `${'folder/'.repeat(10)}file-${index}`, content: 'x' },
    }));
    return measureLayer('files', gzipSync(tar(entries)), /"digest":"sha256:/);
  });

  test('with a name of 8 GiB', () => {
    // The header states its length, and zeros follow without end.
    const header = tar([{ path: 'x', type: 'L' }]).subarray(0, 512);
    header.write('77777777777\0', 124);
    header.write('        ', 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const layer = gzipSync(Buffer.concat([header, Buffer.alloc(500 * MIB)]));
    return measureLayer('name', layer, /describes its files with too many bytes/);
  });

  test('with 150,000 tags, and a list that never ends', async () => {
    const page = (from: number) =>
      JSON.stringify({ tags: Array.from({ length: 1_000 }, (_, index) => `1.${from}.${index}`) });
    for (const pages of [150, Number.POSITIVE_INFINITY]) {
      count++;
      front.intercept((request, response) => {
        const { pathname, searchParams } = new URL(request.url ?? '', front.url);
        if (!pathname.endsWith('/tags/list')) return false;
        const at = Number(searchParams.get('at') ?? 0);
        const link = `<${pathname}?at=${at + 1}>; rel="next"`;
        response.writeHead(200, at + 1 < pages ? { link } : {}).end(page(at));
        return true;
      });
      const expected = pages === 150 ? /1\.149\.999/ : /more than 200000 tags/;
      await measure(`${pages} pages of tags`, { semver: '>=1.0.0' }, expected);
    }
  });
});
