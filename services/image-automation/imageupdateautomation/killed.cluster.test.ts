// Processes that are killed (-9) around a push: nothing is pushed twice, nothing is lost, and each commit is reported once.
import assert from 'node:assert/strict';
import { access, chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ImageUpdateAutomation } from '@weir/api';
import { type GitServer, startGitServer, until } from '@weir/cluster';
import { startProcess, type WeirProcess } from '@weir/kit';
import { type Harness, startHarness } from '../testing/harness.ts';
import { marked, openScene, type Scene } from '../testing/updates/automation.ts';

const timeoutMs = 60_000;

describe('an automation whose process is killed', () => {
  const started = new AsyncDisposableStack();
  let harness: Harness;
  let server: GitServer;
  let count = 0;
  before(async () => {
    server = await startGitServer();
    started.defer(() => server.close());
    harness = await startHarness();
    started.defer(() => harness.close());
    await harness.stop();
  });
  after(() => started.disposeAsync());

  async function start(): Promise<WeirProcess> {
    const process = await startProcess({
      services: ['image-automation'],
      name: `process-${++count}`,
      dir: harness.dir,
      env: harness.cluster.env,
      flags: ['--lease-duration=2s', '--cluster-name=test'],
    });
    started.defer(() => process.kill());
    return process;
  }

  /** An automation that has nothing to do yet. */
  async function settledScene(name: string): Promise<Scene> {
    const scene = await openScene(harness, server, name, (namespace) => ({
      'x.yaml': marked(namespace, 'app', '1'),
    }));
    await scene.choose('app', '1');
    await harness.ready(ImageUpdateAutomation, await scene.automate('auto'), 'True');
    return scene;
  }

  /** Waits until the only commit besides the first is in the status, and its only event is published. */
  async function reportedOnce({ namespace, repository, holds, log }: Scene): Promise<void> {
    await holds('main', 'x.yaml', ':2 ');
    const tip = await repository.git('rev-parse', 'main');
    await until(
      async () => {
        const ref = { namespace, name: 'auto' };
        const { status } = await harness.read<ImageUpdateAutomation>(ImageUpdateAutomation, ref);
        return status?.lastPushCommit === tip && status.observedPolicies?.app?.tag === '2';
      },
      { timeoutMs, message: 'the commit to be reported' },
    );
    const pushed = () =>
      harness.events.filter(
        ({ event }) =>
          event.involvedObject.namespace === namespace && event.message.startsWith('pushed commit'),
      );
    await until(() => pushed().length > 0, { timeoutMs, message: 'the event of the commit' });
    assert.equal(pushed().length, 1);
    assert.equal((await log('main')).length, 2);
  }

  test('before the server takes the push: the next one makes the commit', async () => {
    const process = await start();
    const scene = await settledScene('before');
    let killed: Promise<void> | undefined;
    scene.repository.beforeNextPush(() => {
      killed = process.kill();
      return killed;
    });
    await scene.choose('app', '2');
    await until(() => killed !== undefined, { timeoutMs, message: 'a push' });
    await killed;
    const next = await start();
    await reportedOnce(scene);
    await next.stop();
  });

  for (const [hook, when] of [
    ['pre-receive', 'while the server decides about the push'],
    ['post-receive', 'after the server took the push, without its answer'],
  ] as const) {
    test(`${when}: one commit, which is reported`, async () => {
      const process = await start();
      const scene = await settledScene(hook);
      const file = (name: string) => join(scene.repository.dir, name);
      const script = '#!/bin/sh\ntouch reached\nwhile [ ! -e go ]; do sleep 0.05; done\n';
      await writeFile(file(`hooks/${hook}`), script);
      await chmod(file(`hooks/${hook}`), 0o755);
      await scene.choose('app', '2');
      const isReached = () =>
        access(file('reached')).then(
          () => true,
          () => false,
        );
      await until(isReached, { timeoutMs, message: `the hook ${hook}` });
      await process.kill();
      await writeFile(file('go'), '');
      await rm(file(`hooks/${hook}`));
      const next = await start();
      await reportedOnce(scene);
      await next.stop();
    });
  }

  test('one of two replicas, in the middle of a push: one commit for each tag', async () => {
    const [one, other] = [await start(), await start()];
    const scene = await settledScene('replicas');
    let killed: Promise<void> | undefined;
    for (const tag of ['2', '3', '4', '5']) {
      if (tag === '3') {
        scene.repository.beforeNextPush(() => {
          killed = one.kill();
          return killed;
        });
      }
      await scene.choose('app', tag);
      await scene.holds('main', 'x.yaml', `:${tag} `);
    }
    assert.ok(killed, 'one was killed');
    assert.equal((await scene.log('main')).length, 5);
    await other.stop();
  });
});
