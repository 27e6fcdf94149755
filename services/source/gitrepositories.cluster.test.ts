// GitRepositories, from what a Git server has to what others see of it. All cases share one service: to start a control plane
// costs more than most of them take.
import { after, before, describe } from 'node:test';
import { GitRepository } from '@weir/api';
import { until } from '@weir/cluster';
import { contentCases } from './gitrepository/contents.cases.ts';
import { failureCases } from './gitrepository/failures.cases.ts';
import { historyCases } from './gitrepository/history.cases.ts';
import { lfsCases } from './gitrepository/lfs.cases.ts';
import { pageCases } from './gitrepository/page.cases.ts';
import { remoteCases } from './gitrepository/remote.cases.ts';
import { verifyCases } from './gitrepository/verify.cases.ts';
import { type Harness, startHarness } from './testing/harness.ts';

describe('GitRepositories', () => {
  let harness: Harness;
  before(async () => {
    harness = await startHarness();
  });
  after(() => harness?.close());

  const cases = {
    failures: failureCases,
    remotes: remoteCases,
    history: historyCases,
    contents: contentCases,
    lfs: lfsCases,
    verify: verifyCases,
    page: pageCases,
  };
  for (const [name, add] of Object.entries(cases)) {
    describe(name, () => {
      add(() => harness);
      // A case that fails on purpose would be retried during the next cases.
      after(() => removeAll(harness));
    });
  }
});

async function removeAll({ client }: Harness): Promise<void> {
  const there = async () => (await client.list(GitRepository)).items;
  for (const { metadata } of await there()) {
    const { namespace = '', name, deletionTimestamp } = metadata;
    if (deletionTimestamp !== undefined) continue;
    await client.delete(GitRepository, { namespace, name });
  }
  await until(async () => (await there()).length === 0, {
    ...{ timeoutMs: 60_000, message: 'all GitRepositories to be gone' },
  });
}
