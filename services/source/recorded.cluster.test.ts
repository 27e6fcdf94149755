// The cases that were recorded from Flux's source-controller, played against Weir.
import { after, before, describe, test } from 'node:test';
import { buildVerifier } from '@weir/render';
import { type Harness, startHarness } from './testing/harness.ts';
import { caseNames, loadCase } from './testing/recorded/case.ts';
import { expectationOf } from './testing/recorded/differences.ts';
import { playCase } from './testing/recorded/play.ts';
import { type Servers, startServers } from './testing/recorded/servers.ts';

const PREFIXES = ['oci-', 'b-', 'hr-', 'hc-', 'hcg-', 'hco-', 'hcb-'];

describe('recorded cases', { concurrency: 8 }, async () => {
  const stack = new AsyncDisposableStack();
  let harness: Harness;
  let servers: Servers;
  before(async () => {
    // Its build takes longer than an object waits for its registry.
    await buildVerifier();
    servers = await startServers(stack);
    harness = await startHarness();
  });
  after(async () => {
    await harness?.close();
    await stack.disposeAsync();
  });

  const names = (await Promise.all(PREFIXES.map(caseNames))).flat();
  for (const name of names) {
    test(name, async () => {
      const namespace = await harness.namespace();
      const recorded = await loadCase(name, { ...servers.standIns, NS: namespace });
      const expect = expectationOf(name);
      await playCase(recorded, namespace, { harness, servers, expect });
    });
  }
});
