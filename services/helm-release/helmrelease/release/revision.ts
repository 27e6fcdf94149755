// A version of a release in memory: what the engine read from it, and how it stands in storage.
import type { TestHookStatus } from '@weir/api';
import { ownerKeyOf } from '@weir/apply';
import type { HelmRelease as HelmContent, HelmHook, HelmHookRun, HelmStored } from '@weir/render';
import { GROUP } from '../names.ts';
import type { Revision, RevisionChange, StoredRelease } from './types.ts';

/** The version after a change that the engine has encoded. */
export function changedRevision(
  revision: Revision,
  { info, hooks = [], hookOrder }: RevisionChange,
  { payload, digest }: HelmStored,
): Revision {
  const { content } = revision;
  const changed = new Map(hooks.map((hook) => [hook.index, hook]));
  return {
    ...revision,
    payload,
    digest,
    content: {
      ...content,
      info: { ...content.info, ...info },
      hooks: content.hooks
        .map((hook) => changed.get(hook.index) ?? hook)
        .map((hook) =>
          hookOrder === undefined ? hook : { ...hook, index: hookOrder.indexOf(hook.index) },
        ),
    },
  };
}

/** What the reconciler gets to know of a version: no notes, which may be long. */
export function summaryOf({ content, digest }: Revision): StoredRelease {
  const { name, namespace, version, applyMethod, chart, configDigest } = content;
  const { notes: _notes, ...info } = content.info;
  const origin = originOf(content);
  return {
    ...{ name, namespace, version, info, applyMethod, chart, configDigest, digest },
    tests: testsOf(content.hooks),
    ...(origin === undefined ? {} : { origin }),
  };
}

/** The HelmRelease that a version was made for, by the origin labels that a render gives to everything in the manifest. */
function originOf({ objects }: HelmContent): string | undefined {
  const [origin, ...others] = new Set(objects.map((object) => ownerKeyOf(object, GROUP)));
  return others.length === 0 ? origin : undefined;
}

function testsOf(hooks: readonly HelmHook[]): Record<string, TestHookStatus> {
  const tests = hooks.filter(({ events }) => events.includes('test'));
  return Object.fromEntries(tests.map(({ name, lastRun }) => [name, testStatus(lastRun)]));
}

function testStatus({ startedAt, completedAt, phase }: HelmHookRun): TestHookStatus {
  return {
    ...(startedAt === undefined ? {} : { lastStarted: startedAt }),
    ...(completedAt === undefined ? {} : { lastCompleted: completedAt }),
    ...(phase === '' ? {} : { phase }),
  };
}
