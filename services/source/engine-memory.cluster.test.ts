// Packing a chart takes no more memory than the operator allows engines to take, whatever a tenant commits.
import { match } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { findCondition, GitRepository, HelmChart, type Kind, READY } from '@weir/api';
import { startGitServer } from '@weir/cluster';
import { type ServiceHarness, startServiceHarness } from '@weir/kit';
import { service } from './main.ts';

/** A chart of less than a megabyte that unpacks to 64 MiB. */
const TEXT = randomBytes(8 * 1024)
  .toString('hex')
  .repeat(256);
const BALLAST = Object.fromEntries(
  Array.from({ length: 16 }, (_, n) => [`chart/files/${n}.txt`, `${n} ${TEXT}`]),
);
const CHART = 'apiVersion: v2\nname: chart\nversion: 1.0.0\n';
const FLAGS = { 'artifact-port': '0', 'allow-local-addresses': 'true' };
const WRITING = { fieldManager: 'test', force: true };

describe('a chart that is large', () => {
  const stack = new AsyncDisposableStack();
  let harness: ServiceHarness;
  let namespace: string;
  before(async () => {
    const git = stack.adopt(await startGitServer(), (it) => it.close());
    harness = await startServiceHarness({ service, flags: FLAGS });
    stack.defer(() => harness.close());
    namespace = await harness.namespace();
    for (const [name, files] of Object.entries({ large: BALLAST, other: {} })) {
      const repository = await git.createRepository(name);
      await repository.commit({ 'chart/Chart.yaml': CHART, ...files });
      await apply(GitRepository, name, { url: repository.url, ref: { branch: 'main' } });
      await harness.ready(GitRepository, { namespace, name }, { status: 'True' });
    }
  });
  after(() => stack.disposeAsync());

  function apply(kind: Kind, name: string, spec: object) {
    const object = { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { namespace, name } };
    return harness.client.apply(kind, { ...object, spec: { interval: '1h', ...spec } }, WRITING);
  }

  for (const [mib, status] of [
    ['128', 'False'],
    ['1024', 'True'],
  ] as const) {
    test(`a chart of 64 MiB where engines may take ${mib} MiB: Ready is ${status}, and others are packed`, async () => {
      await harness.stop();
      await harness.start({ ...FLAGS, 'engine-memory-mib': mib });
      /** A new chart of this repository, once it is ready or not. */
      async function packed(repository: string, status: 'True' | 'False') {
        const name = `${repository}-${mib}`;
        const sourceRef = { kind: 'GitRepository', name: repository };
        await apply(HelmChart, name, { chart: './chart', sourceRef });
        return harness.ready<HelmChart>(HelmChart, { namespace, name }, { status });
      }
      const large = await packed('large', status);
      const { message = '' } = findCondition(large.status?.conditions, READY) ?? {};
      match(
        message,
        status === 'True'
          ? /^packaged 'chart' chart/
          : /^chart pull error: .*more memory than the limit of \d+ bytes/,
      );
      await packed('other', 'True');
      // It would be packed by the next service, too.
      await harness.client.delete(HelmChart, { namespace, name: `large-${mib}` });
    });
  }
});
