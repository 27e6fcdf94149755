// The cases that were recorded from Flux's image-automation-controller, played against Weir.
import { after, before, describe, test } from 'node:test';
import { type GitServer, startGitServer } from '@weir/cluster';
import { type Harness, startHarness } from '../testing/harness.ts';
import { caseNames, loadCase } from '../testing/updates/case.ts';
import { createOpenPgpKeys, type OpenPgpKeys } from '../testing/updates/keys.ts';
import { playCase } from '../testing/updates/play.ts';

/** Where Weir's messages are others on purpose (docs/compatibility.md); an empty one stands for an event that isn't. */
function inWeirsWords(text: string): string {
  return text
    .replace(/(authentication required): authentication required$/, '$1')
    .replace(/(authorization failed): read only$/, '$1')
    .replace(/.*: command error on refs\/heads\/main: failed to update ref$/, '')
    .replace('lstat <tmp>', 'lstat ./nope');
}

/** What Flux writes there is not what users want: see docs/compatibility.md. */
const OWN_FILES = ['iu-list', 'iu-markers'];
/** Its template goes through what is in no order in Flux. */
const ANY_ORDER = ['iu-no-kind'];
/** A foreign annotation of kyaml fails the whole run in Flux, and means nothing to Weir. */
const NOT_PLAYED = ['iu-annotations-path'];

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
    if (NOT_PLAYED.includes(name)) continue;
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
        message: inWeirsWords,
        ownFiles: OWN_FILES.includes(name),
        anyOrder: ANY_ORDER.includes(name),
      });
    });
  }
});
