// A process that ends between two steps, and several of them: nothing is pushed twice, and nothing is lost.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ImageUpdateAutomation } from '@weir/api';
import { type GitServer, startGitServer, until } from '@weir/cluster';
import { type Harness, startHarness } from '../testing/harness.ts';
import { EMAIL, marked, openScene } from '../testing/updates/automation.ts';

const timeoutMs = 60_000;

describe('an automation whose process ends', () => {
  let harness: Harness;
  let server: GitServer;
  before(async () => {
    server = await startGitServer();
    harness = await startHarness();
  });
  after(async () => {
    await harness?.close();
    await server?.close();
  });

  const pushEvents = (namespace: string) =>
    harness.events.filter(
      ({ event }) =>
        event.involvedObject.namespace === namespace && event.message.startsWith('pushed commit'),
    );

  test('between the push and the status: the next one reports the commit, and makes no other', async () => {
    const { namespace, choose, automate, repository, log } = await openScene(
      harness,
      server,
      'pushed',
      (ns) => ({
        'x.yaml': marked(ns, 'app', '1'),
      }),
    );
    await choose('app', '1');
    const ref = await automate('auto');
    await harness.ready(ImageUpdateAutomation, ref, 'True');
    await harness.stop();
    await choose('app', '2');
    const author = { name: 'Bot', email: EMAIL };
    const message = 'Update from image update automation';
    const commit = await repository.commit(
      { 'x.yaml': marked(namespace, 'app', '2') },
      { author, message },
    );
    await harness.start();
    await until(
      async () => {
        const { status } = await harness.read<ImageUpdateAutomation>(ImageUpdateAutomation, ref);
        return status?.lastPushCommit === commit && status.observedPolicies?.app?.tag === '2';
      },
      { timeoutMs, message: 'the commit to be reported' },
    );
    await until(() => pushEvents(namespace).length === 1, { timeoutMs, message: 'its event' });
    assert.equal((await log('main')).length, 2);
  });

  test('a commit by somebody else of that name is not reported as its own', async () => {
    const { namespace, choose, automate, repository } = await openScene(
      harness,
      server,
      'others',
      (ns) => ({
        'x.yaml': marked(ns, 'app', '1'),
      }),
    );
    await choose('app', '1');
    const ref = await automate('auto');
    await harness.ready(ImageUpdateAutomation, ref, 'True');
    await harness.stop();
    const author = { name: 'Bot', email: EMAIL };
    const commit = await repository.commit({ 'y.yaml': 'a: 1\n' }, { author });
    await harness.start();
    await until(
      async () => {
        const { status } = await harness.read<ImageUpdateAutomation>(ImageUpdateAutomation, ref);
        return status?.observedSourceRevision?.endsWith(commit);
      },
      { timeoutMs, message: 'the commit to be seen' },
    );
    const { status } = await harness.read<ImageUpdateAutomation>(ImageUpdateAutomation, ref);
    assert.equal(status?.lastPushCommit, undefined);
    assert.equal(pushEvents(namespace).length, 0);
  });

  test('two replicas, of which one goes: one commit for each tag', async () => {
    const { choose, automate, holds, log } = await openScene(harness, server, 'replicas', (ns) => ({
      'x.yaml': marked(ns, 'app', '0'),
    }));
    const second = await harness.replica('second');
    await choose('app', '0');
    const ref = await automate('auto');
    await harness.ready(ImageUpdateAutomation, ref, 'True');
    for (const tag of ['1', '2', '3', '4']) {
      await choose('app', tag);
      if (tag === '2') await harness.stop();
      await holds('main', 'x.yaml', `:${tag} `);
    }
    assert.equal((await log('main')).length, 5);
    await harness.start();
    await second.close();
    await choose('app', '5');
    await holds('main', 'x.yaml', ':5 ');
    assert.equal((await log('main')).length, 6);
  });
});
