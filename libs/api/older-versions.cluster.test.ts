import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Cluster, startCluster, until } from '@weir/cluster';
import {
  CustomResourceDefinition,
  connectKube,
  type KubeClient,
  type KubeObject,
} from '@weir/kube';
import { createLogger } from '@weir/telemetry';
import { Alert } from './notification/alert.ts';
import { Provider } from './notification/provider.ts';
import { crdFor } from './schema/crd.ts';
import type { Kind, Resource } from './schema/kind.ts';

const TIMEOUT_MS = 30_000;
/** Fields that somebody has set in v1beta3, and that Flux's v1 does not have. */
const SPECS = new Map<Kind, object>([
  [Provider, { type: 'slack', proxy: 'http://proxy:3128', interval: '5m' }],
  [
    Alert,
    {
      providerRef: { name: 'chat' },
      eventSources: [{ kind: 'Kustomization', name: '*' }],
      summary: 'production',
    },
  ],
]);

let cluster: Cluster;
let client: KubeClient;

before(async () => {
  cluster = await startCluster({ nodes: 0, nats: false, controllerManager: false });
  const log = createLogger({ service: 'test', level: 'silent' });
  client = connectKube({ kubeconfig: cluster.kubeconfig }, { log });
});
after(async () => {
  await client?.close();
  await cluster?.close();
});

for (const [kind, spec] of SPECS) {
  describe(`the definition of ${kind.kind} on a cluster that has v1beta3 only`, () => {
    it('takes over its objects, in both versions and with all fields', async () => {
      await client.create(CustomResourceDefinition, onlyOlder(kind));
      const older = { ...kind, version: 'v1beta3' };
      await until(() => client.list(older), {
        timeoutMs: TIMEOUT_MS,
        message: 'v1beta3 to be served',
      });
      const apiVersion = `${kind.group}/v1beta3`;
      await client.create(older, { ...named(kind), apiVersion, spec });

      await client.apply(CustomResourceDefinition, crdFor(kind), {
        fieldManager: 'test',
        force: true,
      });
      await until(() => client.list(kind), { timeoutMs: TIMEOUT_MS, message: 'v1 to be served' });

      const seen = await firstWatched(kind);
      assert.equal(seen.apiVersion, kind.apiVersion);
      const { spec: kept } = seen;
      assert.deepEqual({ ...kept, ...spec }, kept, 'every field is there in v1');

      const ref = { namespace: 'default', name: 'chat' };
      const marked = { metadata: { labels: { written: 'in-v1' } } };
      await client.patch(kind, ref, marked, { kind: 'merge' });
      const again = await client.get<Resource<object>>(older, ref);
      assert.deepEqual(again.spec, kept, 'every field is there in v1beta3, after a write in v1');

      const definition = await client.get<KubeObject & { status: { storedVersions: string[] } }>(
        CustomResourceDefinition,
        { name: `${kind.plural}.${kind.group}` },
      );
      assert.deepEqual(definition.status.storedVersions, ['v1beta3', 'v1']);
    });
  });
}

/** The definition as it was before v1: one version, stored. */
function onlyOlder(kind: Kind): KubeObject {
  const definition = structuredClone(crdFor(kind)) as KubeObject & {
    spec: {
      versions: {
        name: string;
        storage: boolean;
        deprecationWarning?: string;
        deprecated?: boolean;
      }[];
    };
  };
  definition.spec.versions = definition.spec.versions
    .filter(({ name }) => name === 'v1beta3')
    .map(({ deprecated: _, deprecationWarning: __, ...version }) => ({
      ...version,
      storage: true,
    }));
  return definition;
}

function named(kind: Kind): KubeObject {
  const metadata = { namespace: 'default', name: 'chat' };
  return { apiVersion: kind.apiVersion, kind: kind.kind, metadata };
}

/** The first object that a watch of the kind gives, in the kind's own version. */
async function firstWatched(kind: Kind): Promise<Resource<object>> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  for await (const event of client.listWatch<Resource<object>>(kind, { signal })) {
    if (event.type === 'added') return event.object;
  }
  throw new Error('the watch ended without an object');
}
