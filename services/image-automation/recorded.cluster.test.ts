// The cases that were recorded from Flux's image-reflector-controller, played against Weir.
import { after, before, describe, test } from 'node:test';
import { type Harness, startHarness } from './testing/harness.ts';
import { caseNames, loadCase } from './testing/recorded/case.ts';
import { type Expect, playCase } from './testing/recorded/play.ts';
import { type Registries, startRegistries } from './testing/recorded/registries.ts';

const withoutHttp: Expect = (message) => message.replace(/; Get "http:.*$/, '');

/** Where Weir's messages say something else on purpose (docs/compatibility.md). */
const MESSAGES: Record<string, Expect> = {
  'ir-auth-token': (message) =>
    message.replace(/\/token\?\S+: (unexpected status code 401 Unauthorized): .*$/, '/token: $1'),
  'ir-insecure': withoutHttp,
  'ir-missing': (message) =>
    withoutHttp(message)
      .replace(/dial tcp [0-9.:]+:/, 'dial tcp:')
      .replace(/invalid character '<'.*$/, 'GET <url>: the list is no JSON'),
  'ir-tls': withoutHttp,
};

describe('recorded cases', { concurrency: 8 }, async () => {
  const stack = new AsyncDisposableStack();
  let harness: Harness;
  let registries: Registries;
  before(async () => {
    registries = await startRegistries(stack);
    harness = await startHarness();
  });
  after(async () => {
    await harness?.close();
    await stack.disposeAsync();
  });

  const names = [...(await caseNames('ir-')), ...(await caseNames('ip-'))];
  for (const name of names) {
    test(name, async () => {
      const namespace = await harness.namespace();
      const prefix = `${namespace}/fx`;
      const standIns: Record<string, string> = {
        ...registries.standIns,
        ...{ NS: namespace, FX: prefix },
      };
      for (const door of ['', 'AUTH', 'TOKEN', 'TLS', 'OTHER']) {
        standIns[`${door}REG`] = `${standIns[`${door}HOST`]}/${prefix}`;
      }
      const recorded = await loadCase(name, standIns, (it) => registries.digestOf(it));
      await playCase(recorded, {
        ...{ harness, registries, namespace, prefix },
        expect: MESSAGES[name] ?? ((message) => message),
        mayMiss: (event) => / DependencyNotReady: retrying in 30s/.test(event),
      });
    });
  }
});
