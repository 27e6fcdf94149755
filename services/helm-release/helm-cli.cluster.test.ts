// The real helm, versions 3 and 4, beside Weir: helm reads and changes what Weir released, and Weir continues with what
// helm released.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { chart, type Files, type Harness, startHarness } from './testing/actions.ts';

const run = promisify(execFile);
/** Helm 3 and Helm 4, by the names of their tools. */
const CLIS = ['helm', 'helm4'] as const;
type Cli = (typeof CLIS)[number];
/** How each version applies what it installs; Weir continues in the same way. */
const APPLY_METHOD = { helm: 'csa', helm4: 'ssa' } as const;
/** Helm 4 applies on the server, where the fields that Weir applied are another manager's: taking them over has to be asked for. */
const TAKE_OVER = { helm: [], helm4: ['--force-conflicts'] } as const;

let h: Harness;
let dir: string;

before(async () => {
  h = await startHarness({ tools: [...CLIS] });
  dir = await mkdtemp(join(tmpdir(), 'weir-helm-cli-'));
});
after(async () => {
  await h?.close();
  if (dir !== undefined) await rm(dir, { recursive: true, force: true });
});

/** Runs a version of helm in a namespace, with its output as text or as JSON. */
function helmOf(cli: Cli, namespace: string) {
  async function helm(...args: string[]): Promise<string> {
    const env = {
      PATH: '/nowhere',
      HOME: dir,
      KUBECONFIG: h.cluster.kubeconfig,
      HELM_NAMESPACE: namespace,
    };
    const { stdout } = await run(h.cluster.bin(cli), args, { env });
    return stdout;
  }
  async function json<T>(...args: string[]): Promise<T> {
    return JSON.parse(await helm(...args, '-o', 'json')) as T;
  }
  return { helm, json };
}

/** The chart as a folder, for the command line. */
async function unpacked(name: string, files: Files): Promise<string> {
  const folder = join(dir, name);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

const TEST_JOB = `apiVersion: batch/v1
kind: Job
metadata: {name: check, annotations: {helm.sh/hook: test}}
spec:
  backoffLimit: 0
  template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'example.org/ok:1'}]}}
`;
const NOTES = 'color is {{ .Values.color }}\n';
const FILES = chart('1.0.0', { 'templates/test.yaml': TEST_JOB, 'templates/NOTES.txt': NOTES });

interface Revision {
  revision: number;
  status: string;
  chart: string;
  description: string;
}

for (const cli of CLIS) {
  test(`${cli}: helm lists, describes, tests, rolls back and uninstalls what Weir released`, async () => {
    const namespace = await h.namespace();
    const { helm, json } = helmOf(cli, namespace);
    const values = { color: 'red', replicas: 1 };
    await h.actions.install(await h.context({ namespace, files: FILES }));
    await h.actions.upgrade(await h.context({ namespace, files: FILES, values }));
    const [listed] = await json<Record<string, string>[]>('list');
    assert.deepEqual(
      [listed?.name, listed?.revision, listed?.status, listed?.chart, listed?.app_version],
      ['web', '2', 'deployed', 'app-1.0.0', 'a1.0.0'],
    );
    const history = await json<Revision[]>('history', 'web');
    assert.deepEqual(
      history.map(({ revision, status, description }) => `${revision} ${status} ${description}`),
      ['1 superseded Install complete', '2 deployed Upgrade complete'],
    );
    const all = await helm('get', 'all', 'web');
    for (const part of [
      'color: red',
      'color is red',
      'helm.toolkit.fluxcd.io/name: web',
      'helm.sh/hook: test',
    ]) {
      assert.ok(all.includes(part), part);
    }
    assert.doesNotMatch(await helm('get', 'manifest', 'web'), /meta\.helm\.sh/);
    assert.match(await helm('status', 'web'), /STATUS: deployed\nREVISION: 2/);

    assert.match(await helm('test', 'web'), /TEST SUITE:\s+check\n.*\n.*\nPhase:\s+Succeeded/);
    const tested = await (await h.context({ namespace, files: FILES })).storage.last();
    assert.equal(tested?.tests.check?.phase, 'Succeeded');

    await helm('rollback', 'web', '1', '--wait', ...TAKE_OVER[cli]);
    const back = await (await h.context({ namespace, files: FILES })).storage.last();
    assert.equal(back?.version, 3);
    assert.equal(back?.info.description, 'Rollback to 1');
    assert.match(await helm('uninstall', 'web', '--wait'), /release "web" uninstalled/);
    const gone = await h.actions.uninstall(await h.context({ namespace, files: FILES }));
    assert.equal(gone.absent, 'missing');
  });

  test(`${cli}: helm reads a release of many hooks while they run`, async () => {
    const namespace = await h.namespace();
    const { helm, json } = helmOf(cli, namespace);
    const hooks =
      '{{ range until 20 }}apiVersion: v1\nkind: ConfigMap\nmetadata: {name: h{{ . }}, annotations: {helm.sh/hook: pre-install}}\n---\n{{ end }}';
    const files = chart('1.0.0', { 'templates/hooks.yaml': hooks });
    const context = await h.context({ namespace, files });
    const read: string[] = [];
    let writes = 0;
    const { failure } = await h.actions.install({
      ...context,
      async record(release) {
        await context.record(release);
        writes += 1;
        if (writes !== 12) return;
        const { info } = await json<{ info: { status: string } }>('status', 'web');
        read.push(info.status, ...((await helm('get', 'hooks', 'web')).match(/name: h\d+/g) ?? []));
      },
    });
    assert.equal(failure, undefined);
    assert.deepEqual([read[0], read.length], ['pending-install', 21]);
    const [listed] = await json<Record<string, string>[]>('list');
    assert.equal(listed?.status, 'deployed');
  });

  test(`${cli}: Weir upgrades, tests, rolls back and uninstalls what helm released`, async () => {
    const namespace = await h.namespace();
    const { helm, json } = helmOf(cli, namespace);
    const folder = await unpacked(`${cli}-theirs`, FILES);
    await helm('install', 'web', folder, '--set', 'color=green');
    const found = await (await h.context({ namespace, files: FILES })).storage.last();
    assert.equal(found?.info.status, 'deployed');
    assert.equal(found?.origin, undefined, 'it was made for no HelmRelease');
    const upgraded = await h.actions.upgrade(await h.context({ namespace, files: FILES }));
    assert.equal(upgraded.failure, undefined);
    assert.equal(upgraded.releases[0]?.applyMethod, APPLY_METHOD[cli], 'it goes on as helm began');
    const tested = await h.actions.test(await h.context({ namespace, files: FILES }));
    assert.equal(tested.failure, undefined);

    await helm('upgrade', 'web', folder, '--set', 'color=black', ...TAKE_OVER[cli]);
    const back = await h.actions.rollback(await h.context({ namespace, files: FILES }), 2);
    assert.equal(back.failure, undefined);
    const history = await json<Revision[]>('history', 'web');
    assert.deepEqual(
      history.map(({ revision, status, description }) => `${revision} ${status} ${description}`),
      [
        '1 superseded Install complete',
        '2 superseded Upgrade complete',
        '3 superseded Upgrade complete',
        '4 deployed Rollback to 2',
      ],
    );
    const spec = { uninstall: { keepHistory: true } };
    await h.actions.uninstall(await h.context({ namespace, files: FILES, spec }));
    const [kept] = await json<Record<string, string>[]>('list', '--uninstalled');
    assert.equal(kept?.status, 'uninstalled');
  });

  test(`${cli}: a version that helm made is gone back to, and waited for, without labels of the HelmRelease`, async () => {
    const namespace = await h.namespace();
    const { helm } = helmOf(cli, namespace);
    const folder = await unpacked(`${cli}-unlabelled`, chart('1.0.0'));
    await helm('install', 'web', folder, '--set', 'replicas=1,image=example.org/slow:1');
    await h.actions.upgrade(await h.context({ namespace, values: { replicas: 1 } }));
    const context = await h.context({ namespace });
    const seen: string[] = [];
    const stop = context.cluster.drift.onDrift(({ owner, id }) => seen.push(`${owner} ${id.kind}`));
    const back = await h.actions.rollback(context, 1);
    assert.equal(back.failure, undefined);
    const { metadata } = await h.get('apps/v1', 'Deployment', namespace, 'web');
    assert.equal(metadata.labels?.['helm.toolkit.fluxcd.io/name'], undefined);
    assert.equal(context.cluster.drift.tracks(`${namespace}/web`), false);
    const [release] = back.releases;
    assert.ok(release);
    assert.deepEqual((await h.actions.detectDrift(context, release)).differences, []);
    assert.deepEqual(seen, []);
    stop();
  });

  test(`${cli}: what helm changes meanwhile is seen, and not written over`, async () => {
    const namespace = await h.namespace();
    const { helm } = helmOf(cli, namespace);
    const context = await h.context({ namespace, files: FILES });
    await h.actions.install(context);
    const values = { image: 'example.org/fail:1', replicas: 1 };
    const upgrade = await h.context({ namespace, files: FILES, values });
    const { failure } = await h.actions.upgrade({
      ...upgrade,
      async waiting(wait) {
        await helm('uninstall', 'web');
        return wait();
      },
      timeoutMs: 2_000,
    });
    assert.match(failure?.message ?? '', /^timeout waiting for: /);
    assert.match(upgrade.lines.join('\n'), /failed to update release: update: .*not found/);
    assert.equal(await (await h.context({ namespace, files: FILES })).storage.last(), undefined);
  });
}
