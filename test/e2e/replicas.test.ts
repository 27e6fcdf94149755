import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { GitRepository, Kustomization } from '@weir/api';
import { until } from '@weir/cluster';
import {
  gitRepository,
  isReady,
  kustomization,
  startWeir,
  type Weir,
  type WeirProcess,
} from '@weir/kit';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'shared';
const COUNT = 50;
const FLAGS = ['--lease-duration=3s', '--lease-renew-interval=500ms'];

describe('two replicas of kustomize', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let first: WeirProcess;
  let second: WeirProcess;
  const names = Array.from({ length: COUNT }, (_, index) => `app-${index}`);

  function files(value: string): Record<string, string> {
    return Object.fromEntries(
      names.map((name) => [
        `${name}/config.yaml`,
        `apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, namespace: ${NAMESPACE}}
data: {value: ${value}}
`,
      ]),
    );
  }

  async function pushAndWait(value: string): Promise<void> {
    const commit = await weir.commit('apps', files(value));
    await weir.requestReconcile(GitRepository, { namespace: NAMESPACE, name: 'apps' }, commit);
    await Promise.all(
      names.map((name) =>
        weir.wait(Kustomization, { namespace: NAMESPACE, name }, isReady(commit), 60_000),
      ),
    );
  }

  before(async () => {
    weir = await startWeir(started, { processes: [['source']], flags: FLAGS });
    first = await weir.start(['kustomize'], { name: 'kustomize-a' });
    second = await weir.start(['kustomize'], { name: 'kustomize-b' });
    await weir.namespace(NAMESPACE);
    const { url } = await weir.repository('apps');
    await weir.commit('apps', files('zero'));
    await weir.apply(
      gitRepository(NAMESPACE, 'apps', url),
      ...names.map((name) => kustomization(NAMESPACE, name, 'apps', { path: `./${name}` })),
    );
  });

  it(`share ${COUNT} Kustomizations`, async () => {
    await pushAndWait('one');
    const [a, b] = await Promise.all([reconciles(first), reconciles(second)]);
    assert.equal(a.size + b.size, COUNT, 'each object is reconciled by one replica');
    assert.ok(a.size >= 10 && b.size >= 10, `shares of ${a.size} and ${b.size}`);
  });

  it('one takes over when the other is killed', async () => {
    const before = await reconciles(second);
    await first.kill();
    await pushAndWait('two');
    const after = await reconciles(second);
    assert.ok(before.size < COUNT);
    assert.equal(after.size, COUNT);
  });

  it('and they share again when a new one comes', async () => {
    const third = await weir.start(['kustomize'], { name: 'kustomize-c' });
    await until(
      async () => {
        await pushAndWait(`three-${Date.now()}`);
        return (await reconciles(third)).size >= 10;
      },
      { timeoutMs: 60_000, message: 'the new replica to get its share' },
    );
  });
});

/** The names of the objects that a process has reconciled, according to its metrics. */
async function reconciles(process: WeirProcess): Promise<Set<string>> {
  const metrics = await (await fetch(`${process.health}/metrics`)).text();
  const pattern = /^gotk_reconcile_duration_seconds_count\{([^}]*)\} (\d+)/gm;
  const names = [...metrics.matchAll(pattern)]
    .filter(([, labels, count]) => labels?.includes('kind="Kustomization"') && Number(count) > 0)
    .map(([, labels]) => labels?.match(/name="([^"]+)"/)?.[1] ?? '');
  return new Set(names);
}
