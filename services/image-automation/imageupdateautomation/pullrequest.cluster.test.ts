// Pull requests at a forge: opened for a change, changed with it, closed when it is no longer wanted.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { findCondition, ImageUpdateAutomation, READY } from '@weir/api';
import { type GitServer, startGitServer, until } from '@weir/cluster';
import { type FakeForge, startFakeForge } from '@weir/forge/testing';
import { type Harness, startHarness } from '../testing/harness.ts';
import { marked, openScene, runOnce, type Scene } from '../testing/updates/automation.ts';

const timeoutMs = 60_000;

describe('pull requests', { concurrency: 3 }, () => {
  let harness: Harness;
  let server: GitServer;
  const forges: FakeForge[] = [];
  before(async () => {
    server = await startGitServer();
    harness = await startHarness();
  });
  after(async () => {
    await harness?.close();
    await server?.close();
    for (const forge of forges) await forge.close();
  });

  interface Proposed extends Scene {
    forge: FakeForge;
    propose(spec?: Record<string, unknown>): ReturnType<Scene['automate']>;
    /** Waits until the number of pull requests is this, and the last one is like that. */
    shows(count: number, state: string, title: RegExp): Promise<void>;
    merge(): Promise<void>;
  }

  async function open(name: string, files: Parameters<typeof openScene>[3]): Promise<Proposed> {
    const forge = await startFakeForge('gitea');
    forges.push(forge);
    const scene = await openScene(harness, server, `org/${name}`, files);
    const { namespace, repository, automate } = scene;
    forge.commitOf = (branch) => repository.git('rev-parse', branch);
    await harness.secret({ namespace, name: 'forge' }, { token: 'forge-token' });
    return {
      ...scene,
      forge,
      propose: (spec = {}) =>
        automate(
          'auto',
          {},
          {
            push: { branch: 'bumps' },
            pullRequest: set({
              provider: 'gitea',
              apiURL: `${forge.url}/api/v1`,
              secretRef: { name: 'forge' },
              ...spec,
            }),
          },
        ),
      async shows(count, state, title) {
        await until(
          () => {
            const last = forge.pullRequests.at(-1);
            const isSo =
              forge.pullRequests.length === count &&
              last?.state === state &&
              title.test(last.title);
            if (isSo) return true;
            throw new Error(JSON.stringify(forge.pullRequests));
          },
          { timeoutMs, message: `${count} pull requests, ${state}, ${title}` },
        );
      },
      async merge() {
        const commit = await repository.git('rev-parse', 'bumps');
        await repository.git('update-ref', 'refs/heads/main', commit);
        for (const it of forge.pullRequests) if (it.state === 'open') it.state = 'merged';
      },
    };
  }
  const ready = (
    ref: { namespace: string; name: string },
    status: 'True' | 'False',
    message?: RegExp,
  ) => harness.ready<ImageUpdateAutomation>(ImageUpdateAutomation, ref, status, message);

  test('is opened, changed in place, merged, and another one opened for the next change', async () => {
    const it = await open('flow', (ns) => ({ 'x.yaml': marked(ns, 'app', '1') }));
    await it.choose('app', '1');
    const ref = await it.propose({
      labels: ['deps', '{{ .AutomationObject.Name }}'],
      reviewers: ['ada'],
    });
    await ready(ref, 'True');
    assert.equal(it.forge.pullRequests.length, 0);
    await it.choose('app', '2');
    await it.shows(1, 'open', /^Update app to 2$/);
    const [first] = it.forge.pullRequests;
    assert.deepEqual([first?.head, first?.base], ['bumps', 'main']);
    await until(() => first?.labels.join() === 'deps,auto' && first.reviewers.join() === 'ada', {
      timeoutMs,
      message: 'labels and reviewers',
    });
    assert.match(
      first?.body ?? '',
      /^\| Image \| Old \|.*\n\| --- .*\n\| reg\/app \| 1 \| 2 \| app \| {2}\|/,
    );
    await it.choose('app', '3');
    await it.shows(1, 'open', /^Update app to 3$/);
    await it.holds('bumps', 'x.yaml', ':3 ');
    assert.equal((await it.log('bumps')).length, 2, 'one commit on top of main');
    await it.holds('main', 'x.yaml', ':1 ');
    await it.merge();
    await runOnce(harness, ref);
    await it.choose('app', '4');
    await it.shows(2, 'open', /^Update app to 4$/);
    assert.deepEqual([...it.forge.authorizations], ['token forge-token']);
    await until(
      () =>
        harness.events.some(
          ({ event }) =>
            event.involvedObject.namespace === it.namespace &&
            /opened pull request 2: https:/.test(event.message),
        ),
      { timeoutMs, message: 'the event' },
    );
  });

  test('is closed when its change is no longer wanted, and left closed where somebody closed it', async () => {
    const it = await open('unwanted', (ns) => ({ 'x.yaml': marked(ns, 'app', '1') }));
    await it.choose('app', '2');
    const ref = await it.propose();
    await it.shows(1, 'open', /to 2$/);
    await it.choose('app', '1');
    await it.shows(1, 'closed', /to 2$/);
    await it.choose('app', '3');
    await it.shows(2, 'open', /to 3$/);
    const last = it.forge.pullRequests[1];
    assert.ok(last);
    Object.assign(last, {
      state: 'closed',
      headCommit: await it.repository.git('rev-parse', 'bumps'),
    });
    await runOnce(harness, ref);
    await runOnce(harness, ref);
    assert.equal(it.forge.pullRequests.length, 2);
    await it.choose('app', '4');
    await it.shows(3, 'open', /to 4$/);
  });

  test('commits that somebody put onto the branch stay, and the next change goes on top', async () => {
    const it = await open('shared', (ns) => ({ 'x.yaml': marked(ns, 'app', '1') }));
    await it.choose('app', '2');
    await it.propose();
    await it.shows(1, 'open', /to 2$/);
    const theirs = await it.repository.commit({ 'notes.txt': 'x' }, { branch: 'bumps' });
    await it.choose('app', '3');
    await it.holds('bumps', 'x.yaml', ':3 ');
    assert.ok((await it.log('bumps')).includes(theirs));
  });

  test('there is one for each policy where that is wanted', async () => {
    const it = await open('each', (ns) => ({
      'x.yaml': marked(ns, 'a', '1'),
      'y.yaml': marked(ns, 'b', '1'),
    }));
    await it.choose('a', '2');
    await it.choose('b', '2');
    await it.propose({
      branches: 'PerPolicy',
      title: 'Bump {{ range .Images }}{{ .Policy }}{{ end }}',
    });
    await it.shows(2, 'open', /^Bump b$/);
    assert.deepEqual(
      it.forge.pullRequests.map(({ head, title }) => [head, title]),
      [
        ['bumps-a', 'Bump a'],
        ['bumps-b', 'Bump b'],
      ],
    );
    assert.equal(
      await it.repository.git('show', 'bumps-a:y.yaml'),
      marked(it.namespace, 'b', '1').trim(),
    );
  });

  test('is merged into the branch that base names', async () => {
    const it = await open('base', (ns) => ({ 'x.yaml': marked(ns, 'app', '1') }));
    const main = await it.repository.git('rev-parse', 'main');
    await it.repository.commit({ 'release.txt': 'x' }, { branch: 'release', parent: main });
    await it.choose('app', '2');
    await it.propose({ base: 'release' });
    await it.shows(1, 'open', /^Update app to 2$/);
    assert.equal(it.forge.pullRequests[0]?.base, 'release');
    assert.equal(await it.repository.git('rev-parse', 'bumps~1'), main);
  });

  test('what is missing is said before anything is asked', async () => {
    const it = await open('missing', (ns) => ({ 'x.yaml': marked(ns, 'app', '1') }));
    await it.choose('app', '2');
    const says = async (spec: Record<string, unknown>, reason: string, message: RegExp) => {
      const { status } = await ready(await it.propose(spec), 'False', message);
      assert.equal(findCondition(status?.conditions, READY)?.reason, reason);
    };
    await says(
      { provider: null },
      'InvalidSourceConfiguration',
      /provider has to say which kind of forge/,
    );
    // The address of the API is the automation's to choose, the credentials of the GitRepository aren't.
    await says(
      { secretRef: null },
      'InvalidSourceConfiguration',
      /secretRef is needed: the credentials of the GitRepository are for its own host/,
    );
    await says({ secretRef: { name: 'nope' } }, 'PullRequestFailed', /failed to get secret/);
    await says({ base: 'bumps' }, 'InvalidSourceConfiguration', /needs spec\.git\.push\.branch/);
    assert.deepEqual(it.forge.requests, []);
    it.forge.failWith = 403;
    await says({}, 'PullRequestFailed', /^failed to update the pull request: GET http.*: 403/);
    it.forge.failWith = undefined;
    await runOnce(harness, { namespace: it.namespace, name: 'auto' });
    await it.shows(1, 'open', /to 2$/);
    assert.equal((await it.log('bumps')).length, 2, 'pushed once');
  });
});

/** The fields of a spec to set; null leaves a field out. */
function set(spec: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null));
}
