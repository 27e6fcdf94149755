// The cases that were recorded from Flux's image-automation-controller, played against Weir.
import { after, before, describe, test } from 'node:test';
import { type GitServer, startGitServer } from '@weir/cluster';
import { expectationOf, hasOwnFiles, isReplaced } from '../testing/differences.ts';
import { type Harness, startHarness } from '../testing/harness.ts';
import { caseNames, loadCase } from '../testing/updates/case.ts';
import { createOpenPgpKeys, type OpenPgpKeys } from '../testing/updates/keys.ts';
import { playCase } from '../testing/updates/play.ts';

/** The template iterates over a Go map, which has no order, so the lines of the message may have any order. */
const ANY_ORDER = ['iu-no-kind'];
describe('recorded cases', { concurrency: 6 }, async () => {
  let harness: Harness;
  let server: GitServer;
  let keys: OpenPgpKeys;
  before(async () => {
    keys = await createOpenPgpKeys();
    server = await startGitServer();
    harness = await startHarness();
  });
  after(async () => {
    await harness?.close();
    await server?.close();
  });

  for (const name of await caseNames()) {
    if (isReplaced(name)) continue;
    test(name, async () => {
      const namespace = await harness.namespace();
      const recorded = await loadCase(name, {
        'NS-src': `${namespace}-src`,
        NS: namespace,
        'GIT/repo.git': `${server.url}/${name}.git`,
        REG: '127.0.0.1:5000/fx',
        GPG_KEY: keys.key,
        GPG_LOCKED_KEY: keys.locked,
        GPG_TWO_KEYS: keys.two,
      });
      await playCase(recorded, {
        ...{ harness, server, namespace, repositoryName: name, publicKey: keys.public },
        message: expectationOf(name),
        ownFiles: hasOwnFiles(name),
        anyOrder: ANY_ORDER.includes(name),
      });
    });
  }
});
