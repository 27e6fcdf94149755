// Measures what a request costs this process: node libs/kube/bench.ts [requests] [in flight]
import { startCluster } from '@weir/cluster';
import { ConfigMap, connectKube, Deployment, type KubeClient, type KubeObject } from './index.ts';

const REQUESTS = Number(process.argv[2] ?? 4_000);
const IN_FLIGHT = Number(process.argv[3] ?? 32);

interface Cost {
  cpuMs: number;
  perSecond: number;
}

/** Runs the work `count` times, `IN_FLIGHT` at once, and returns the mean cost of one run. */
async function measure(count: number, work: (i: number) => Promise<unknown>): Promise<Cost> {
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  const { user, system } = process.cpuUsage(cpu);
  return {
    cpuMs: (user + system) / 1000 / count,
    perSecond: (count / (performance.now() - startedAt)) * 1000,
  };
}

function report(name: string, { cpuMs, perSecond }: Cost): void {
  process.stdout.write(
    `${name.padEnd(24)} ${cpuMs.toFixed(3)} ms CPU a request, ${Math.round(perSecond)} a second\n`,
  );
}

function deployment(i: number): KubeObject {
  const labels = { app: `app-${i}` };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: `app-${i}`, namespace: 'default', labels },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'main', image: 'example/app:1', args: ['serve'] }] },
      },
    },
  };
}

async function bench(client: KubeClient): Promise<void> {
  const apply = (i: number) =>
    client.apply(Deployment, deployment(i % 500), { fieldManager: 'bench', force: true });
  await measure(REQUESTS / 4, apply);
  report('server-side apply', await measure(REQUESTS, apply));
  const ref = (i: number) => ({ namespace: 'default', name: `app-${i % 500}` });
  report('get', await measure(REQUESTS, (i) => client.get(Deployment, ref(i))));
  report(
    'merge patch of status',
    await measure(REQUESTS / 4, (i) =>
      client.patch(
        Deployment,
        ref(i),
        { status: { observedGeneration: i + 1 } },
        { kind: 'merge', subresource: 'status', fieldManager: 'bench' },
      ),
    ),
  );
  const lists = await measure(20, () => client.list(Deployment, { namespace: 'default' }));
  report('list, an object', { cpuMs: lists.cpuMs / 500, perSecond: lists.perSecond * 500 });
  const metadata = await measure(20, () => client.list(Deployment, { metadataOnly: true }));
  report('list of metadata', { cpuMs: metadata.cpuMs / 500, perSecond: metadata.perSecond * 500 });
  await watchCost(client);
}

/** Measures what one watch event costs. Another process writes the objects, so that this client only runs the watch. */
async function watchCost(client: KubeClient): Promise<void> {
  const stop = new AbortController();
  const writer = connectKube({ kubeconfig });
  const count = REQUESTS / 4;
  const events = client.listWatch(ConfigMap, { namespace: 'default', signal: stop.signal });
  let seen = 0;
  const watching = (async () => {
    for await (const event of events) {
      if (event.type === 'added' && ++seen === count) stop.abort();
    }
  })();
  const writes = await measure(count, (i) =>
    writer.create(ConfigMap, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `watched-${i}`, namespace: 'default' },
    }),
  );
  await watching;
  report('create and its event', writes);
  await writer.close();
}

const startedAt = performance.now();
const { kubeconfig, close } = await startCluster({
  nodes: 0,
  nats: false,
  controllerManager: false,
});
process.stdout.write(`cluster up in ${Math.round(performance.now() - startedAt)} ms\n`);
const client = connectKube({ kubeconfig });
try {
  await bench(client);
} finally {
  await client.close();
  await close();
}
