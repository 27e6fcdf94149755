// GitRepositories, from what a Git server has to what others see of it. All cases share one service: to start a control plane
// costs more than most of them take.
import { after, before, describe } from 'node:test';
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

  const cases = [
    failureCases,
    remoteCases,
    historyCases,
    contentCases,
    lfsCases,
    verifyCases,
    pageCases,
  ];
  for (const add of cases) add(() => harness);
});
