// The disk of image-automation is full while it fetches: what is reported, and that it continues when there is room.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { findCondition, ImageUpdateAutomation, READY } from '@weir/api';
import { type GitServer, startGitServer } from '@weir/cluster';
import { startProcess } from '@weir/kit';
import { type Harness, startHarness } from '../testing/harness.ts';
import { marked, openScene, runOnce } from '../testing/updates/automation.ts';

const MIB = 1024 ** 2;

const started = new AsyncDisposableStack();
let harness: Harness;
let server: GitServer;
before(async () => {
  server = await startGitServer();
  started.defer(() => server.close());
  harness = await startHarness();
  started.defer(() => harness.close());
  await harness.stop();
  const process = await startProcess({
    services: ['image-automation'],
    name: 'small-disk',
    dir: harness.dir,
    diskBytes: 8 * MIB,
    env: harness.cluster.env,
    flags: ['--lease-duration=2s', '--cluster-name=test'],
  });
  started.defer(() => process.kill());
});
after(() => started.disposeAsync());

test('a repository for which there is no room is named, and committed to when it is smaller', async () => {
  const { choose, automate, holds, repository, log } = await openScene(
    harness,
    server,
    'large',
    (ns) => ({ 'x.yaml': marked(ns, 'app', '1') }),
  );
  await repository.commit({ 'large.bin': randomBytes(24 * MIB) });
  await choose('app', '2');
  const ref = await automate('auto');
  const { status } = await harness.ready<ImageUpdateAutomation>(
    ImageUpdateAutomation,
    ref,
    'False',
    /unable to clone '.*large\.git'.*no space left on device/i,
  );
  assert.equal(findCondition(status?.conditions, READY)?.reason, 'GitOperationFailed');
  await repository.commit({ 'large.bin': null });
  await runOnce(harness, ref);
  await harness.ready(ImageUpdateAutomation, ref, 'True');
  await holds('main', 'x.yaml', ':2 ');
  assert.equal((await log('main')).length, 4, 'one commit of the automation');
});
