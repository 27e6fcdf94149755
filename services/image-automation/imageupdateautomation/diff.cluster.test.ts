import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type GitServer, startGitServer } from '@weir/cluster';
import { createSettings } from '@weir/service';
import { diffs } from '../diffs.ts';
import { type Harness, startHarness } from '../testing/harness.ts';
import { marked, openScene } from '../testing/updates/automation.ts';

describe('the commit that an automation would make', () => {
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

  async function shown(ref: { namespace: string; name: string }): Promise<string> {
    const storageDir = await mkdtemp(join(tmpdir(), 'weir-diff-test-'));
    try {
      const { client, log } = harness;
      const settings = createSettings({ 'allow-local-addresses': 'true' });
      const { signal } = new AbortController();
      const describe = diffs.imageupdateautomation;
      assert.ok(describe);
      return await describe(ref, { client, settings, log, storageDir, signal });
    } finally {
      await rm(storageDir, { recursive: true, force: true });
    }
  }

  test('is shown with its message and its changes, and nothing is pushed', async () => {
    const { choose, automate, log } = await openScene(harness, server, 'shown', (ns) => ({
      'x.yaml': marked(ns, 'app', '1'),
    }));
    await choose('app', '2');
    const ref = await automate('auto', { suspend: true }, {});
    const text = await shown(ref);
    assert.match(
      text,
      /^would push to branch 'main' of http.*shown\.git:\n\ncommit [0-9a-f]{40}\n/,
    );
    assert.match(text, /\nAuthor: Bot <bot@example\.com>\n/);
    assert.match(text, /\n {4}Update from image update automation\n/);
    assert.match(text, /\n-image: reg\/app:1 .*\n\+image: reg\/app:2 /);
    assert.equal((await log('main')).length, 1);
    await choose('app', '1');
    assert.match(
      await shown(ref),
      /^nothing to push to branch 'main' of .*: main@sha1:\w+ is as the policies say\n$/,
    );
  });

  test('is shown for each branch of pull requests', async () => {
    const { choose, automate, log } = await openScene(harness, server, 'proposed', (ns) => ({
      'x.yaml': marked(ns, 'a', '1') + marked(ns, 'b', '1').replace('image', 'other'),
    }));
    await choose('a', '2');
    await choose('b', '1');
    const pullRequest = { provider: 'gitea', branches: 'PerPolicy' };
    const ref = await automate(
      'auto',
      { suspend: true },
      { push: { branch: 'bumps' }, pullRequest },
    );
    const text = await shown(ref);
    assert.match(text, /would push to branch 'bumps-a'/);
    assert.match(text, /nothing to push to branch 'bumps-b'/);
    assert.equal((await log('main')).length, 1);
  });
});
