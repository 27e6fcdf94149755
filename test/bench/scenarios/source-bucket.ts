// A bucket of many small objects: unchanged, and with one that changed.
import { Bucket, RECONCILE_REQUEST } from '@weir/api';
import { S3_KEYS, S3_REGION, type S3Server, startS3Server } from '@weir/cluster';
import { now } from '../measure/clock.ts';
import { follow } from '../measure/follow.ts';
import { spentOn } from '../measure/window.ts';
import type { Measurement } from '../measurement.ts';
import { repeat } from '../repeat.ts';
import type { OwnScenario } from '../scenario.ts';
import { formatBytes, named, type Source, sumOf, withServers, withSources } from '../sources.ts';
import type { Trial } from '../trial.ts';

const OBJECTS = 5_000;
const BYTES = 500;
const MAX_ROUNDS = 5;
const TIMEOUT_MS = 4 * 60_000;
const NAME = 'bucket';

export const sourceBucket: OwnScenario = {
  kind: 'own',
  name: 'source-bucket',
  about: `a Bucket of ${OBJECTS} objects of ${BYTES} bytes, unchanged and with one changed`,
  runs: 'sources',
  sizes: () => [1],
  run: (trial) =>
    withServers(async (own) => {
      const { environment } = trial;
      const server = own(await startS3Server());
      trial.progress(`${OBJECTS} objects`);
      const objects = named(OBJECTS, 'object', (index) => `${index} `.padEnd(BYTES, 'x'));
      const bucket = await server.createBucket(NAME, objects);
      const metadata = { namespace: environment.namespace, name: 's3' };
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: S3_KEYS };
      await environment.apply(secret as never);
      const spec = {
        ...{ interval: '1h', endpoint: server.endpoint, insecure: true, region: S3_REGION },
        ...{ bucketName: NAME, secretRef: { name: 's3' }, timeout: '2m' },
      };
      return withSources(trial, Bucket, { [NAME]: spec }, async ({ readyMs }) => {
        trial.progress(`${Math.round(readyMs)} ms for the first fetch`);
        const unchanged = await measure(
          trial,
          server,
          'unchanged',
          'nothing changed',
          async () => undefined,
        );
        let count = 0;
        const change = () => bucket.put({ 'object-7': `${++count} changed`.padEnd(BYTES, 'y') });
        const one = await measure(trial, server, 'one', 'one object changed', change);
        return [unchanged, one];
      });
    }),
};

/** Changes the bucket and asks for a reconcile, some times. */
async function measure(
  trial: Trial,
  server: S3Server,
  id: string,
  what: string,
  change: () => Promise<void>,
): Promise<Measurement> {
  const { client, namespace } = trial.environment;
  const followed = follow<Source>(client, Bucket, namespace);
  try {
    const once = async (round: number) => {
      await change();
      const token = `${id}-${round}`;
      const handled = followed.when(
        (objects) => objects.get(NAME)?.status?.lastHandledReconcileAt === token,
        { timeoutMs: TIMEOUT_MS, message: `a reconcile of the bucket with ${what}` },
      );
      const startedAt = now();
      const body = { metadata: { annotations: { [RECONCILE_REQUEST]: token } } };
      await client.patch(Bucket, { namespace, name: NAME }, body, { kind: 'merge' });
      return (await handled) - startedAt;
    };
    await once(-1);
    server.front.clear();
    const { result: times, spent } = await spentOn(
      trial,
      () => repeat(Math.min(trial.rounds, MAX_ROUNDS), once),
      { name: `source-bucket-${id}` },
    );
    const requests = server.front.requests();
    const bytes = sumOf(requests.map((it) => it.bytes)) / times.length;
    const remote = `${(requests.length / times.length).toFixed(0)} requests and ${formatBytes(bytes)} of the object store`;
    return {
      id: `source-bucket-${id}`,
      name: `a Bucket of ${OBJECTS} objects, ${what}: ${remote}`,
      ...{ apps: 1, count: times.length, unit: 'run', times: { 'a run': times }, spent },
    };
  } finally {
    await followed.close();
  }
}
