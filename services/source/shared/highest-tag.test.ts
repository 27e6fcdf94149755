import { equal, rejects } from 'node:assert/strict';
import { after, test } from 'node:test';
import { createPool } from '@weir/render';
import { createLogger } from '@weir/telemetry';
import { highestTag, type RangeOptions } from './highest-tag.ts';

const pool = await createPool({ log: createLogger({ service: 'test', level: 'fatal' }) });
after(() => pool.close());

function highest(pages: string[][], options: Partial<RangeOptions>): Promise<string> {
  async function* inPages(): AsyncGenerator<string[]> {
    yield* pages;
  }
  return highestTag(inPages(), {
    ...{ range: '*', filter: undefined, mediaType: undefined, pool, tenant: 'apps' },
    signal: AbortSignal.timeout(20_000),
    ...options,
  });
}

test('the highest version in the range, wherever among the pages it is', async () => {
  const pages = [['0.9.0', '1.10.0', 'latest'], ['1.9.9', 'main-abc', '1', 'v2'], ['2.0.0']];
  equal(await highest(pages, { range: '>=1.0.0 <2.0.0' }), '1.10.0');
  equal(await highest(pages, { range: '*' }), '2.0.0');
  equal(
    await highest([['1.0.0', '2.0.0-rc.1', '2.0.0-rc.10']], { range: '>=1.0.0-0' }),
    '2.0.0-rc.10',
  );
  equal(await highest([['v1.0.0', 'v1.2.0']], { range: '1.x' }), 'v1.2.0');
});

test('the filter is an expression of Go, and leaves tags out', async () => {
  const pages = [
    Array.from({ length: 250 }, (_, index) => `1.0.${index}`),
    ['2.0.0-rc.1', '2.0.0'],
  ];
  equal(await highest(pages, { filter: '^1\\.0\\.1\\d\\d$' }), '1.0.199');
  equal(await highest(pages, { range: '>0.0.0-0', filter: 'rc' }), '2.0.0-rc.1');
  await rejects(highest(pages, { filter: '(' }), /error parsing regexp/);
});

test('charts have _ for + in their tags', async () => {
  const mediaType = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
  equal(await highest([['1.0.0', '1.1.0_b1']], { range: '>=1.0.0', mediaType }), '1.1.0_b1');
  equal(await highest([['1.0.0', '1.1.0_b1']], { range: '>=1.0.0' }), '1.0.0');
});

test('what matches nothing is said with what there is', async () => {
  const pages = [['1.0.0', '2.0.0', 'x'], ['1.5.0-rc.1']];
  await rejects(highest(pages, { range: '>=3.0.0' }), {
    message:
      'no match found for semver: >=3.0.0 (the highest versions are 2.0.0, 1.5.0-rc.1, 1.0.0)',
  });
  await rejects(highest([[]], { range: '>=3.0.0' }), /semver: >=3\.0\.0 \(no tag is a version\)/);
  await rejects(
    highest(pages, { range: 'nonsense' }),
    /^Error: semver 'nonsense' parse error: improper constraint: "nonsense"$/,
  );
});
