// What the drift watch holds for each object: `node --expose-gc libs/apply/bench.ts [objects]`.
// It feeds the watch with ConfigMaps as an API server would list them, and reads the heap before and after.
import {
  ConfigMap,
  createChangeTracker,
  type KubeClient,
  type KubeObject,
  type ListWatchEvent,
} from '@weir/kube';
import { createDriftWatch, type Tracked } from './drift.ts';
import { managerRules } from './field-managers.ts';

const GROUP = 'kustomize.toolkit.fluxcd.io';
const MANAGER = 'kustomize-controller';
const PER_OWNER = 10;

const stop = new AbortController();
const stopped = stop.signal;
const count = Number(process.argv[2] ?? 50_000);

function object(index: number): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      namespace: `namespace-${index % 100}`,
      name: `config-of-an-application-${index}`,
      uid: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      resourceVersion: String(1_000_000 + index),
      labels: { [`${GROUP}/name`]: 'app', [`${GROUP}/namespace`]: 'flux-system' },
      managedFields: [
        {
          manager: MANAGER,
          operation: 'Apply',
          apiVersion: 'v1',
          time: '2026-01-01T00:00:00Z',
          fieldsV1: { 'f:data': { 'f:a': {}, 'f:b': {} } },
        },
      ],
    },
  };
}

/** It remembers for each object what the real client remembers. */
async function* listWatch(): AsyncGenerator<ListWatchEvent<KubeObject>> {
  const tracker = createChangeTracker<KubeObject>();
  tracker.beginList();
  for (let index = 0; index < count; index++) yield* tracker.observed(object(index));
  yield* tracker.endList();
  yield { type: 'synced', resourceVersion: '9000000' };
  // The watch stays open, and keeps what it knows.
  await new Promise((resolve) => stopped.addEventListener('abort', resolve));
  tracker.beginList();
}

function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function print(what: string, bytes: number): void {
  process.stdout.write(`${what}: ${Math.round(bytes / count)} bytes an object\n`);
}

if (globalThis.gc === undefined) throw new Error('start it with --expose-gc');
const client = { listWatch } as unknown as KubeClient;
const watch = createDriftWatch(client, {
  owner: { group: GROUP, fieldManager: MANAGER },
  rules: managerRules(MANAGER),
  onError: (_type, error) => {
    throw error;
  },
});
const before = heap();
const first: Tracked = { type: ConfigMap, object: object(0), manifest: 'x'.repeat(24) };
watch.track('flux-system/app', [first]);
await watch.settled('flux-system/app', AbortSignal.timeout(60_000));
const seen = heap();
print('seen, of another replica or owner', seen - before);
for (let owner = 0; owner * PER_OWNER < count; owner++) {
  const those = Array.from({ length: PER_OWNER }, (_, index) => owner * PER_OWNER + index);
  watch.track(
    `flux-system/app-${owner}`,
    those.map((index) => ({
      type: ConfigMap,
      object: object(index),
      manifest: `${index}-${'x'.repeat(24)}`.slice(0, 24),
    })),
  );
}
print('tracked, beside that', heap() - seen);
stop.abort();
await watch.close();
