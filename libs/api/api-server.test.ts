import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Cluster, startCluster, until } from '@weir/cluster';
import { READY, setCondition } from './conditions.ts';
import { kinds } from './kinds.ts';
import { crdYaml } from './schema/crd.ts';
import type { Kind } from './schema/kind.ts';
import { validate, withDefaults } from './schema/validate.ts';
import { ExternalArtifact } from './source/externalartifact.ts';
import { GitRepository } from './source/gitrepository.ts';
import { objectOf, verdicts } from './testing/cases.ts';

let cluster: Cluster;

before(async () => {
  cluster = await startCluster({ nodes: 0, nats: false, controllerManager: false, kubectl: true });
  const { code, stderr } = await cluster.kubectl(['apply', '--server-side', '-f', '-'], {
    input: kinds.map(crdYaml).join('---\n'),
  });
  assert.equal(code, 0, stderr);
});
after(() => cluster?.close());

describe('the definitions in an API server', () => {
  for (const kind of kinds) {
    it(`of ${kind.kind} are taken and served`, async () => {
      const conditions = await until(() => settled(kind), {
        timeoutMs: 30_000,
        message: `the definition of ${kind.kind} to be established`,
      });
      assert.deepEqual(conditions, { NamesAccepted: 'True', Established: 'True' });
      await until(() => cluster.request('GET', collection(kind)), {
        timeoutMs: 30_000,
        message: `${kind.plural} to be served`,
      });
    });
  }

  for (const verdict of verdicts) {
    const { title, kind, wrong } = verdict;
    it(`${wrong ? 'refuse' : 'accept'} ${title}`, async () => {
      const object = objectOf(verdict, 'verdict');
      const path = `${collection(kind)}?dryRun=All`;
      if (wrong) {
        await assert.rejects(cluster.request('POST', path, object), ({ status, message }) => {
          assert.equal(status, 422, message);
          assert.ok(message.includes(`${fieldPath(wrong)}: `), `${fieldPath(wrong)} in ${message}`);
          return true;
        });
        return;
      }
      const stored = await cluster.request<{ spec: unknown }>('POST', path, object);
      const ours = validate(kind, object);
      assert.ok(ours.ok);
      assert.deepEqual(stored.spec, ours.object.spec);
    });
  }

  it('fill in the status that withDefaults does', async () => {
    const object = objectOf(repository(), 'defaults');
    const stored = await cluster.request<{ status: unknown }>(
      'POST',
      `${collection(GitRepository)}?dryRun=All`,
      { ...object, status: { observedIgnore: 'not for users to set' } },
    );
    const { metadata: _, ...ours } = Object(withDefaults(GitRepository, object));
    const { metadata: __, ...theirs } = Object(stored);
    assert.deepEqual(theirs, ours);
  });
});

describe('the definition of ExternalArtifact', () => {
  it('stores what a controller exports as it is, and no artifact without a digest', async () => {
    const { apiVersion, kind } = ExternalArtifact;
    const sourceRef = { apiVersion: 'a/v1', kind: 'Made', name: 'made', namespace: 'default' };
    const metadata = { name: 'external', namespace: 'default' };
    const object = { apiVersion, kind, metadata, spec: { sourceRef } };
    const stored = await cluster.request<{ spec: unknown }>(
      'POST',
      collection(ExternalArtifact),
      object,
    );
    assert.deepEqual(stored.spec, { sourceRef });
    const write = (status: object) =>
      cluster.request<{ status: unknown }>(
        'PATCH',
        `${collection(ExternalArtifact)}/external/status`,
        { status },
        { contentType: 'application/merge-patch+json' },
      );
    const exportedInputs = { a: { b: [1, 'c'] }, d: 'e', f: 2, g: true };
    assert.deepEqual((await write({ exportedInputs })).status, { exportedInputs });
    await assert.rejects(write({ artifact: { url: 'http://x', path: 'y' } }), /digest/);
    const artifact = {
      ...{ url: 'http://x/y', path: 'y', revision: 'r', digest: `sha256:${'0'.repeat(64)}` },
      ...{ lastUpdateTime: '2026-01-01T00:00:00Z', size: 1, metadata: { a: 'b' } },
    };
    const conditions = [
      {
        ...{ type: 'Ready', status: 'True', reason: 'Made', message: 'made' },
        ...{ lastTransitionTime: '2026-01-01T00:00:00Z', observedGeneration: 1 },
      },
    ];
    const whole = { exportedInputs, artifact, conditions };
    assert.deepEqual((await write(whole)).status, whole);
    await cluster.request('DELETE', `${collection(ExternalArtifact)}/external`);
  });
});

describe('kubectl', () => {
  it('explains fields in words of our own', async () => {
    const { stdout } = await kubectl('explain', 'kustomization.spec.postBuild.substituteFrom');
    assert.match(stdout, /ConfigMaps and Secrets whose keys are variables/);
    assert.match(stdout, /optional\s+<boolean>/);
    assert.match(stdout, /enum: Secret, ConfigMap/);
  });

  it('shows the columns of Flux, by short name and category', async () => {
    await createReady('shown');
    for (const name of ['gitrepo', 'gitrepository', 'fluxcd-sources', 'fluxcd']) {
      const { stdout } = await kubectl('get', name);
      const [header, row] = stdout.split('\n');
      assert.match(header ?? '', /^NAME\s+URL\s+AGE\s+READY\s+STATUS$/);
      assert.match(row ?? '', /^\S*shown\s+https:\/\/example\.com\s+\S+\s+True\s+stored artifact$/);
    }
  });

  it('waits for Ready', async () => {
    await createReady('awaited');
    const { stdout } = await kubectl('wait', '--for=condition=Ready', 'gitrepo/awaited');
    assert.match(stdout, /condition met/);
  });

  it('warns of a field that nobody knows', async () => {
    const object = objectOf(
      { ...repository(), spec: { ...repository().spec, brnach: 'x' } },
      'typo',
    );
    const { code, stderr } = await cluster.kubectl(['create', '--dry-run=server', '-f', '-'], {
      input: JSON.stringify(object),
    });
    assert.notEqual(code, 0);
    assert.match(stderr, /unknown field "spec.brnach"/);
  });
});

function repository() {
  return {
    title: 'a repository',
    kind: GitRepository,
    spec: { url: 'https://example.com', interval: '1m' },
  };
}

async function createReady(name: string): Promise<void> {
  await cluster.request('POST', collection(GitRepository), objectOf(repository(), name));
  const conditions = setCondition([], {
    type: READY,
    status: 'True',
    reason: 'Succeeded',
    message: 'stored artifact',
  });
  await cluster.request(
    'PATCH',
    `${collection(GitRepository)}/${name}/status`,
    { status: { conditions, observedGeneration: 1 } },
    { contentType: 'application/merge-patch+json' },
  );
}

async function kubectl(...args: string[]) {
  const result = await cluster.kubectl(args);
  assert.equal(result.code, 0, result.stderr);
  return result;
}

/** The conditions of a definition once it is established, by type. */
async function settled({ plural, group }: Kind): Promise<Record<string, string> | undefined> {
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.${group}`;
  const { status } = await cluster.request<{
    status: { conditions?: { type: string; status: string }[] };
  }>('GET', path);
  const conditions = (status.conditions ?? []).map(({ type, status }) => [type, status]);
  const found = Object.fromEntries(conditions);
  return found.Established === 'True' ? found : undefined;
}

function collection({ group, version, plural }: Kind): string {
  return `/apis/${group}/${version}/namespaces/default/${plural}`;
}

/** `spec.include.1.repository` as the API server writes it: `spec.include[1].repository`. */
function fieldPath(path: string): string {
  return path.replaceAll(/\.(\d+)/g, '[$1]');
}
