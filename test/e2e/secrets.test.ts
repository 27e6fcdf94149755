// docs/secrets.md, followed as it is written: its commands make a key and encrypt a Secret with the real sops, its Kustomization
// applies it by the services as they run in a container.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { Kustomization } from '@weir/api';
import { buildTool, run } from '@weir/cluster';
import { gitRepository, isReady, startWeir, type Weir } from '@weir/kit';
import { type KubeObject, Secret } from '@weir/kube';
import { firstBlock } from './pages.ts';
import { stoppedAfter } from './suite.ts';

const PAGE = new URL('../../docs/secrets.md', import.meta.url);
const NAMESPACE = 'apps';
const PLAIN = 'a-password-of-the-shop';
const timeoutMs = 30_000;

describe('docs/secrets.md', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let dir: string;
  let page: string;
  /** Runs commands as a reader would, in a folder with the Secret that is to be encrypted. */
  let shell: (commands: string, input?: string) => Promise<string>;

  before(async () => {
    page = await readFile(PAGE, 'utf8');
    weir = await startWeir(started, { cluster: { nodes: 0, kubectl: true } });
    dir = await mkdtemp(join(tmpdir(), 'weir-e2e-'));
    started.defer(() => rm(dir, { recursive: true, force: true }));
    for (const tool of ['sops', 'age-keygen'] as const) {
      await symlink(await buildTool(tool), join(dir, tool));
    }
    const metadata = { namespace: NAMESPACE, name: 'shop' };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { password: PLAIN } };
    await writeFile(join(dir, 'secret.yaml'), JSON.stringify(secret));
    const env = {
      HOME: dir,
      PATH: `${dir}:${dirname(weir.cluster.bin('kubectl'))}:${process.env.PATH}`,
      KUBECONFIG: weir.cluster.kubeconfig,
    };
    shell = async (commands, input) => {
      const options = { cwd: dir, env, ...(input === undefined ? {} : { input }) };
      const args = ['-euo', 'pipefail', '-c', commands];
      const { code, stdout, stderr } = await run('bash', args, options);
      assert.equal(code, 0, stdout + stderr);
      return stdout;
    };
    await weir.namespace(NAMESPACE);
  });

  it('its commands make a key and a Secret of it, and encrypt what goes to Git', async () => {
    await shell(firstBlock(page, 'sh'));
    const encrypted = await readFile(join(dir, 'secret.enc.yaml'), 'utf8');
    assert.match(encrypted, /^sops:$/m);
    assert.ok(!encrypted.includes(PLAIN), encrypted);
    const { url } = await weir.repository('shop');
    await weir.commit('shop', { 'deploy/secret.enc.yaml': encrypted });
    await weir.apply(gitRepository(NAMESPACE, 'shop', url));
  });

  it('its Kustomization applies what was encrypted', async () => {
    await shell('kubectl apply --validate=strict -f -', firstBlock(page, 'yaml'));
    await weir.wait(Kustomization, { namespace: NAMESPACE, name: 'shop' }, isReady(), timeoutMs);
    const applied = await weir.find<KubeObject & { data?: Record<string, string> }>(
      ...[Secret, NAMESPACE, 'shop'],
    );
    assert.equal(Buffer.from(applied?.data?.password ?? '', 'base64').toString(), PLAIN);
  });
});
