// The compared fields of a HelmRelease.
import {
  FORCE_REQUEST,
  type HelmReleaseStatus,
  RECONCILE_REQUEST,
  type ReleaseSnapshot,
} from '@weir/api';
import type { KubeObject } from '@weir/kube';
import { RESET_REQUEST, statusOf } from './objects.ts';

type Described = Record<string, unknown>;

/** Fields of status that are compared unchanged, if they are set. */
const PLAIN = [
  'helmChart',
  'lastAttemptedReleaseAction',
  'lastAttemptedRevision',
  'storageNamespace',
] as const;
/** Fields that are digests, of which only the presence is compared here. */
const DIGESTS = [
  'lastAttemptedConfigDigest',
  'observedCommonMetadataDigest',
  'observedPostRenderersDigest',
] as const;

export function describeRelease(object: KubeObject): Described {
  const status = statusOf(object);
  const { conditions = [], history = [], inventory } = status;
  const messages = conditions.filter(({ type }) => type !== 'Ready' && type !== 'Reconciling');
  return {
    ...describeState(object),
    messages: Object.fromEntries(messages.map(({ type, message }) => [type, message])),
    digests: {
      config: history.map(({ configDigest }) => configDigest),
      ...present('lastConfig', status.lastAttemptedConfigDigest),
      ...present('commonMetadata', status.observedCommonMetadataDigest),
      ...present('postRenderers', status.observedPostRenderersDigest),
    },
    history: history.map(describeSnapshot),
    ...(inventory === undefined
      ? {}
      : { inventory: (inventory.entries ?? []).map(({ id, v }) => `${id} ${v}`) }),
  };
}

/** The same in short, for a snapshot in between. */
export function describeReleaseInShort(object: KubeObject): Described {
  const { history = [] } = statusOf(object);
  return {
    ...describeState(object),
    history: history.map(({ name, version, status, action }) =>
      [`${name}.v${version}`, status, action].filter(Boolean).join(' '),
    ),
  };
}

function describeState(object: KubeObject): Described {
  const { conditions = [] } = statusOf(object);
  const ready = conditions.find(({ type }) => type === 'Ready');
  return {
    conditions: conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`).sort(),
    message: ready?.message ?? '',
    status: describeStatus(object),
  };
}

function describeStatus(object: KubeObject): Described {
  const status = statusOf(object);
  const { generation, annotations = {}, finalizers = [], deletionTimestamp } = object.metadata;
  const since = (value: number | undefined) => (value === generation ? 'current' : 'behind');
  const observed = status.observedGeneration ?? -1;
  const attempted = status.lastAttemptedGeneration;
  return {
    finalizers,
    ...(deletionTimestamp === undefined ? {} : { terminating: true }),
    failures: countOf(status),
    installFailures: status.installFailures ?? 0,
    upgradeFailures: status.upgradeFailures ?? 0,
    observedGeneration: observed <= 0 ? 'none' : since(observed),
    ...(attempted === undefined ? {} : { lastAttemptedGeneration: since(attempted) }),
    lastAttemptedReleaseActionDuration: status.lastAttemptedReleaseActionDuration !== undefined,
    ...Object.assign({}, ...PLAIN.map((key) => present(key, status[key] || undefined))),
    ...Object.assign({}, ...DIGESTS.map((key) => present(key, digestOf(status[key])))),
    ...handled('reconcileAt', annotations[RECONCILE_REQUEST], status.lastHandledReconcileAt),
    ...handled('forceAt', annotations[FORCE_REQUEST], status.lastHandledForceAt),
    ...handled('resetAt', annotations[RESET_REQUEST], status.lastHandledResetAt),
  };
}

/** How often an action was tried depends on timing if it is retried. */
function countOf({ conditions = [], failures }: HelmReleaseStatus): unknown {
  const isAtEnd = conditions.some(
    ({ type, status }) => (type === 'Stalled' || type === 'Ready') && status === 'True',
  );
  return Number(failures ?? 0) > 0 && !isAtEnd ? 'some' : (failures ?? 0);
}

function describeSnapshot(snapshot: ReleaseSnapshot): Described {
  const { digest, configDigest, firstDeployed: _, lastDeployed, deleted, ...rest } = snapshot;
  const { testHooks, ...plain } = rest;
  return {
    ...plain,
    digest: digestOf(digest),
    configDigest: digestOf(configDigest),
    deployed: Boolean(lastDeployed),
    ...(deleted ? { deleted: true } : {}),
    ...(testHooks === undefined ? {} : { testHooks: phasesOf(testHooks) }),
  };
}

function phasesOf(tests: Record<string, unknown>): Described {
  const entries = Object.entries(tests) as [string, { phase?: string }][];
  return Object.fromEntries(entries.map(([name, { phase }]) => [name, phase ?? '']));
}

function digestOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.replace(/:.*/, '') : undefined;
}

function present(key: string, value: unknown): Described {
  return value === undefined ? {} : { [key]: value };
}

function handled(key: string, asked: string | undefined, answered: string | undefined): Described {
  if (answered === undefined) return {};
  return { [key]: asked === answered ? 'handled' : 'behind' };
}
