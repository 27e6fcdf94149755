// Every example of docs/notification.md works as it stands there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { Provider, Receiver } from '@weir/api';
import { until } from '@weir/cluster';
import { pageExamples } from '@weir/kit';
import { type KubeObject, Namespace } from '@weir/kube';
import { readTarget } from './providers/read-target.ts';
import { TYPE_NAMES } from './providers/types.ts';
import { DEADLINE, type Harness, startHarness } from './testing/harness.ts';

const PAGE = readFileSync(new URL('../../docs/notification.md', import.meta.url), 'utf8');
const NAMESPACE = 'apps';

/** The objects of all YAML blocks, in the order of the page. */
const examples = pageExamples(PAGE).flat();
const named = <T extends KubeObject>(kind: string) =>
  examples.filter((object) => object.kind === kind) as T[];

describe('the page about notifications', () => {
  let on: Harness;
  before(async () => {
    on = await startHarness();
    await on.start();
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } };
    await on.client.apply(Namespace, namespace, { fieldManager: 'reader' });
  });
  after(() => on?.close());

  it('has a section with an example for every type of Provider', () => {
    assert.ok(TYPE_NAMES.length >= 35);
    for (const type of TYPE_NAMES) {
      assert.ok(PAGE.includes(`\n### \`${type}\`\n`), type);
      assert.ok(
        named<Provider>('Provider').some(({ spec }) => spec.type === type),
        type,
      );
    }
  });

  it('has examples that are accepted without an unknown field', async () => {
    for (const object of examples) {
      const type = await on.client.discovery.resourceForKind(object.apiVersion, object.kind);
      await on.client.apply(type, object, { fieldManager: 'reader', fieldValidation: 'Strict' });
    }
  });

  it('has Providers whose Secrets hold what their type wants', async () => {
    const reading = { client: on.client, objectLevel: true };
    for (const { metadata } of named<Provider>('Provider')) {
      const ref = { namespace: NAMESPACE, name: metadata.name };
      const provider = await on.client.get<Provider>(Provider, ref);
      const target = await readTarget(reading, provider, AbortSignal.timeout(10_000));
      assert.equal(target.namespace, NAMESPACE);
    }
  });

  it('has Receivers that get a path', async () => {
    for (const { metadata } of named<Receiver>('Receiver')) {
      await until(
        async () => {
          const ref = { namespace: NAMESPACE, name: metadata.name };
          const { status } = await on.client.get<Receiver>(Receiver, ref);
          return status?.conditions?.some(
            ({ type, status: is }) => type === 'Ready' && is === 'True',
          );
        },
        { ...DEADLINE, timeoutMs: 60_000, message: `Receiver ${metadata.name} to be ready` },
      );
    }
  });
});
