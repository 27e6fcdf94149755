// docs/remote-clusters.md, followed as it is written: its commands make the Secret, its objects are applied to a second cluster by the
// services as they run in a container.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { HelmRelease, Kustomization } from '@weir/api';
import { run, until } from '@weir/cluster';
import {
  gitRepository,
  isReady,
  type RemoteCluster,
  startRemoteCluster,
  startWeir,
  type Weir,
} from '@weir/kit';
import { ConfigMap, type KubeObject, Secret } from '@weir/kube';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { firstBlock, sectionOf } from './pages.ts';
import { stoppedAfter } from './suite.ts';

const PAGE = new URL('../../docs/remote-clusters.md', import.meta.url);
const NAMESPACE = 'apps';
const timeoutMs = 30_000;
const at = (name: string) => ({ namespace: NAMESPACE, name });

describe('docs/remote-clusters.md', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let remote: RemoteCluster;
  let section: string;
  /** Runs commands as a reader would, whose kubectl has the contexts of both clusters. */
  let shell: (commands: string, input?: string) => Promise<string>;

  before(async () => {
    section = sectionOf(await readFile(PAGE, 'utf8'), 'With a kubeconfig');
    [weir, remote] = await Promise.all([
      startWeir(started, { cluster: { nodes: 0, kubectl: true } }),
      startRemoteCluster(),
    ]);
    started.defer(() => remote.close());
    const dir = await mkdtemp(join(tmpdir(), 'weir-e2e-'));
    started.defer(() => rm(dir, { recursive: true, force: true }));
    const other = join(dir, 'other.yaml');
    await writeFile(other, renamed(remote.kubeconfig, 'other'));
    const env = {
      HOME: dir,
      PATH: `${dirname(weir.cluster.bin('kubectl'))}:${process.env.PATH}`,
      KUBECONFIG: `${weir.cluster.kubeconfig}:${other}`,
    };
    shell = async (commands, input) => {
      const options = { cwd: dir, env, ...(input === undefined ? {} : { input }) };
      const { code, stdout, stderr } = await run(
        'bash',
        ['-euo', 'pipefail', '-c', commands],
        options,
      );
      assert.equal(code, 0, stdout + stderr);
      return stdout;
    };
    await weir.namespace(NAMESPACE);
    const { url } = await weir.repository('fleet');
    await weir.commit('fleet', {
      'kustomization.yaml': 'resources: [cm.yaml]\n',
      'cm.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-git, namespace: default}\n',
      'charts/shop/Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 1.0.0\n',
      'charts/shop/templates/cm.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-chart}\n',
    });
    await weir.apply(gitRepository(NAMESPACE, 'fleet', url));
  });

  it('its commands make a Secret that leads to the other cluster', async () => {
    await shell(firstBlock(section, 'sh'));
    const secret = await weir.find<KubeObject & { data?: Record<string, string> }>(
      ...[Secret, NAMESPACE, 'other-cluster'],
    );
    const text = Buffer.from(secret?.data?.value ?? '', 'base64').toString('utf8');
    const { users, clusters } = parse(text);
    assert.equal(clusters.length, 1);
    assert.equal(clusters[0].cluster.server, remote.cluster.server);
    const token: string = users.find(({ name }: { name: string }) => name === 'weir').user.token;
    const { sub } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    assert.equal(sub, 'system:serviceaccount:kube-system:weir');
  });

  it('its objects are applied there by the services, and not here', async () => {
    const examples = firstBlock(section, 'yaml');
    const kinds = parseAllDocuments(examples).map((it) => it.get('kind'));
    assert.deepEqual(kinds, ['Kustomization', 'HelmRelease']);
    await shell('kubectl apply --validate=strict -f -', examples);
    const applied = await weir.wait(Kustomization, at('apps'), isReady(), timeoutMs);
    const released = await weir.wait(HelmRelease, at('shop'), isReady(), timeoutMs);
    const uid = await shell(
      'kubectl --context other get ns kube-system -o jsonpath={.metadata.uid}',
    );
    for (const { status } of [applied, released] as { status?: { clusterID?: string } }[]) {
      assert.equal(status?.clusterID, uid);
    }
    const there = await shell(
      'kubectl --context other get configmaps,secrets -A -o name | grep -E "from-|sh.helm" | sort',
    );
    assert.deepEqual(there.trim().split('\n'), [
      'configmap/from-chart',
      'configmap/from-git',
      'secret/sh.helm.release.v1.shop.v1',
    ]);
    const here = await shell('kubectl get configmaps,secrets -A -o name');
    assert.doesNotMatch(here, /from-|sh\.helm/);
  });

  it('a token that is made anew counts, and what is deleted is deleted there', async () => {
    // The commands of the page are run once more, without those that create what exists already.
    const again = firstBlock(section, 'sh')
      .split('\n')
      .filter((line) => !/ create (namespace|serviceaccount|clusterrolebinding) /.test(line))
      .map((line) =>
        line.startsWith('kubectl create secret')
          ? `${line} --dry-run=client -o yaml | kubectl apply -f -`
          : line,
      );
    assert.equal(again.filter((line) => line.startsWith('kubectl')).length, 4);
    await shell(again.join('\n'));
    await shell('kubectl -n apps delete kustomization/apps helmrelease/shop');
    for (const name of ['default/from-git', 'apps/from-chart']) {
      const [namespace = '', own = ''] = name.split('/');
      await until(
        async () => (await remote.find('v1', 'ConfigMap', { namespace, name: own })) === undefined,
        { timeoutMs, message: `${name} to be gone` },
      );
    }
    assert.equal(await weir.find(ConfigMap, 'default', 'from-git'), undefined);
  });
});

/** A kubeconfig whose one cluster, user and context have this name. */
function renamed(kubeconfig: string, name: string): string {
  const { clusters, users, ...rest } = parse(kubeconfig);
  return stringify({
    ...rest,
    clusters: [{ ...clusters[0], name }],
    users: [{ ...users[0], name }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  });
}
