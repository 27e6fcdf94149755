// Sources of one kind: applied at once, followed until they are Ready, and taken away again.

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Condition, findCondition, type Kind, READY } from '@weir/api';
import { mapBounded } from '@weir/async';
import type { KubeObject } from '@weir/kube';
import { pushArtifact, tarGz } from '@weir/oci/testing';
import { now } from './measure/clock.ts';
import { follow } from './measure/follow.ts';
import { type Spent, spentOn } from './measure/window.ts';
import type { Trial } from './trial.ts';

export interface Source extends KubeObject {
  status?: {
    artifact?: { revision: string };
    conditions?: Condition[];
    lastHandledReconcileAt?: string;
  };
}

/** Objects that are applied at a time. */
const AT_A_TIME = 16;
const TIMEOUT_MS = 4 * 60_000;

export interface Applied {
  /** From the first request that creates one until all are Ready, or the time is over. Ms. */
  readyMs: number;
  /** How many are Ready. */
  ready: number;
}

/**
 * Applies sources, waits until they are Ready, does the work, and takes the sources away.
 * @param withinMs how long is waited; who isn't Ready by then is not counted. Without it all have to be in four minutes
 */
export async function withSources<T>(
  { environment, progress }: Trial,
  kind: Kind,
  specs: Readonly<Record<string, object>>,
  work: (applied: Applied) => Promise<T>,
  withinMs?: number,
): Promise<T> {
  const { client, namespace } = environment;
  const names = Object.keys(specs);
  const followed = follow<Source>(client, kind, namespace);
  const readyAmong = (objects: ReadonlyMap<string, Source>) =>
    names.filter((name) => isReady(objects.get(name))).length;
  try {
    progress(`${names.length} of kind ${kind.kind}`);
    const startedAt = now();
    const waiting = followed
      .when((objects) => readyAmong(objects) === names.length, {
        ...{ timeoutMs: withinMs ?? TIMEOUT_MS, message: `all of kind ${kind.kind} to be Ready` },
      })
      .catch((error: unknown) => {
        if (withinMs === undefined) throw error;
        return now();
      });
    await mapBounded(names, AT_A_TIME, (name) => {
      const { apiVersion } = kind;
      const metadata = { namespace, name };
      return environment.apply({
        apiVersion,
        kind: kind.kind,
        metadata,
        spec: specs[name],
      } as KubeObject);
    });
    const at = await waiting;
    const objects = new Map(followed.list().map((it) => [it.metadata.name, it]));
    return await work({ readyMs: at - startedAt, ready: readyAmong(objects) });
  } finally {
    const gone = followed.when((objects) => names.every((name) => !objects.has(name)), {
      ...{ timeoutMs: TIMEOUT_MS, message: `all of kind ${kind.kind} to be gone` },
    });
    await mapBounded(names, AT_A_TIME, (name) => client.delete(kind, { namespace, name }));
    await gone;
    await followed.close();
  }
}

function isReady(object: Source | undefined): boolean {
  return findCondition(object?.status?.conditions, READY)?.status === 'True';
}

/** So many names, with a value for each. */
export function named<T>(
  count: number,
  prefix: string,
  make: (index: number) => T,
): Record<string, T> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`${prefix}-${index}`, make(index)]),
  );
}

/** Bytes for people. */
export function formatBytes(bytes: number): string {
  return bytes < 10_000 ? `${bytes} bytes` : `${(bytes / 1024).toFixed(0)} KiB`;
}

/** Runs work with a stack of what it starts, which is stopped at the end of it. */
export async function withServers<T>(
  work: (own: <S extends { close(): Promise<void> }>(server: S) => S) => Promise<T>,
): Promise<T> {
  const started = new AsyncDisposableStack();
  try {
    return await work((server) => started.adopt(server, (it) => it.close()));
  } finally {
    await started.disposeAsync();
  }
}

/** Pushes an artifact with the tag `v1` for each name, with so many random bytes besides its content. */
export async function pushMany(
  registry: { url: string },
  contents: Readonly<Record<string, string>>,
  bytes = 0,
): Promise<void> {
  await mapBounded(Object.entries(contents), AT_A_TIME, ([name, content]) => {
    const files = [{ path: 'a.yaml', content }];
    if (bytes > 0) files.push({ path: 'b.bin', content: randomBytes(bytes / 2).toString('hex') });
    return pushArtifact(registry, name, { tag: 'v1', layers: [{ content: tarGz(files) }] });
  });
}

export function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

/** What a remote is asked, and what is spent, while nothing changes: for `--idle-seconds`. */
export async function whileIdle(
  trial: Trial,
  name: string,
  remote: { clear(): void; requests(): readonly unknown[] },
): Promise<{ requests: number; spent: Spent }> {
  const { result: requests, spent } = await spentOn(
    trial,
    async () => {
      remote.clear();
      await delay(trial.idleSeconds * 1_000);
      return remote.requests().length;
    },
    { quietMs: 0, name },
  );
  return { requests, spent };
}
