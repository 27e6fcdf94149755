// What the operator lets engines take is what the packing of a chart may take, whatever a tenant commits.
import { match } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { findCondition, GitRepository, HelmChart, type Kind, READY } from '@weir/api';
import { startGitServer } from '@weir/cluster';
import { startServiceHarness } from '@weir/kit';
import { service } from './main.ts';

/** A chart of less than a megabyte that comes to 64 MiB when it is unpacked. */
const TEXT = randomBytes(8 * 1024)
  .toString('hex')
  .repeat(256);
const BALLAST = Object.fromEntries(
  Array.from({ length: 16 }, (_, n) => [`chart/files/${n}.txt`, `${n} ${TEXT}`]),
);
const CHART = 'apiVersion: v2\nname: chart\nversion: 1.0.0\n';
const NAME = 'app';

for (const [mib, status] of [
  ['128', 'False'],
  ['1024', 'True'],
] as const) {
  test(`a chart of 64 MiB where engines may take ${mib} MiB: Ready is ${status}, and others are packed`, async (t) => {
    const stack = new AsyncDisposableStack();
    t.after(() => stack.disposeAsync());
    const git = stack.adopt(await startGitServer(), (it) => it.close());
    const flags = { 'artifact-port': '0', 'allow-local-addresses': 'true' };
    const h = stack.adopt(
      await startServiceHarness({ service, flags: { ...flags, 'engine-memory-mib': mib } }),
      (it) => it.close(),
    );

    /** A chart of these files, in a namespace of its own, once it is ready or not. */
    async function packed(name: string, files: Record<string, string>, status: 'True' | 'False') {
      const namespace = await h.namespace();
      const repository = await git.createRepository(name);
      await repository.commit({ 'chart/Chart.yaml': CHART, ...files });
      const apply = (kind: Kind, spec: object) =>
        h.client.apply(
          kind,
          {
            apiVersion: kind.apiVersion,
            kind: kind.kind,
            metadata: { namespace, name: NAME },
            spec: { interval: '1h', ...spec },
          },
          { fieldManager: 'test', force: true },
        );
      await apply(GitRepository, { url: repository.url, ref: { branch: 'main' } });
      await h.ready(GitRepository, { namespace, name: NAME }, { status: 'True' });
      const sourceRef = { kind: 'GitRepository', name: NAME };
      await apply(HelmChart, { chart: './chart', sourceRef });
      return h.ready<HelmChart>(HelmChart, { namespace, name: NAME }, { status });
    }

    const large = await packed('large', BALLAST, status);
    const { message = '' } = findCondition(large.status?.conditions, READY) ?? {};
    match(
      message,
      status === 'True'
        ? /^packaged 'chart' chart/
        : /^chart pull error: .*more memory than the limit of \d+ bytes/,
    );
    await packed('other', {}, 'True');
  });
}
