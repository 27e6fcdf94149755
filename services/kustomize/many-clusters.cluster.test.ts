// Twenty clusters, simulated by one API server behind twenty proxies of 50 ms latency. While one of them hangs, the objects of the
// others take no longer and no more requests than before.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { proxyTo, type TcpProxy } from '@weir/cluster';
import { applyKubeconfig, type RemoteCluster, startRemoteCluster } from '@weir/kit';
import { configMap, type Harness, manifests, startHarness, until } from './testing/harness.ts';

const CLUSTERS = 20;
const DELAY_MS = 25;
/** Requests for a ConfigMap that changes, over an open connection: a dry-run, a read of the object, the apply. */
const REQUESTS = 3;

let h: Harness;
let remote: RemoteCluster;
const proxies: TcpProxy[] = [];
before(async () => {
  [h, remote] = await Promise.all([
    startHarness({ 'allow-local-addresses': 'true', concurrent: '4' }),
    startRemoteCluster({ audit: true }),
  ]);
  const target = Number(new URL(remote.cluster.server).port);
  for (let i = 0; i < CLUSTERS; i++) proxies.push(await proxyTo(target, { delayMs: DELAY_MS }));
});
after(async () => {
  await h?.close();
  for (const proxy of proxies) await proxy.close();
  await remote?.close();
});

const LONG = { timeoutMs: 120_000 };

/** The requests to the API server about an object of this name, without watches. */
async function requestsFor(namespace: string, name: string): Promise<string[]> {
  const events = await remote.cluster.audit();
  return events
    .filter(({ objectRef, verb }) => objectRef?.namespace === namespace && verb !== 'watch')
    .filter(({ objectRef }) => objectRef?.name === name)
    .map(({ verb, requestURI }) => `${verb} ${requestURI}`);
}

test('nobody waits for a cluster that hangs but its own objects', async () => {
  const ns = await h.namespace();
  await remote.namespace(ns);
  const { port } = new URL(remote.cluster.server);
  const names = proxies.map((_, i) => `app-${i}`);
  const files = (v: string) =>
    Object.fromEntries(
      names.map((name) => [`${name}/a.yaml`, manifests(configMap(ns, name, { v }))]),
    );
  await h.publish(ns, files('1'));
  for (const [i, proxy] of proxies.entries()) {
    const kubeconfig = remote.kubeconfig.replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${proxy.port}`);
    await applyKubeconfig(h.client, { namespace: ns, name: `cluster-${i}` }, kubeconfig);
    const kubeConfig = { secretRef: { name: `cluster-${i}` } };
    await h.kustomization(ns, `app-${i}`, { kubeConfig, path: `./app-${i}` });
  }
  const [hangs = '', ...others] = names;
  const have = (v: string, which: string[]) =>
    until(
      async () => {
        const { items } = await remote.client.list<ReturnType<typeof configMap>>(
          { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true },
          { namespace: ns },
        );
        const done = new Set(items.flatMap((it) => (it.data.v === v ? it.metadata.name : [])));
        return which.every((name) => done.has(name));
      },
      { ...LONG, message: `version ${v} of ${which.length} objects` },
    );
  await have('1', names);
  for (const name of names) await h.ready(ns, name, 'True');

  const startedWell = performance.now();
  await h.publish(ns, files('2'));
  await have('2', names);
  const wellMs = performance.now() - startedWell;

  for (const name of names) await h.ready(ns, name, 'True');
  const before = new Map<string, number>();
  for (const name of others) before.set(name, (await requestsFor(ns, name)).length);
  proxies[0]?.freeze();
  const started = performance.now();
  const revision = await h.publish(ns, files('3'));
  await have('3', others);
  const tookMs = performance.now() - started;
  assert.ok(tookMs < 3 * wellMs + 2_000, `${tookMs} ms, and ${wellMs} ms before`);
  for (const name of others) {
    await h.ready(ns, name, 'True', new RegExp(revision));
    const requests = (await requestsFor(ns, name)).slice(before.get(name));
    assert.ok(requests.length <= REQUESTS, `${name}: ${requests.join('\n')}`);
  }
  proxies[0]?.thaw();
  await have('3', [hangs]);
});
