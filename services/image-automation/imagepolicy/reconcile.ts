// Reconciles one ImagePolicy, from top to bottom: finds its ImageRepository, reads the tags, chooses the latest one,
// and gets its digest.
import { isDeepStrictEqual } from 'node:util';
import {
  findCondition,
  ImagePolicy,
  type ImagePolicyStatus,
  type ImageRef,
  isRequested,
  READY,
  Reason,
} from '@weir/api';
import type { FairLimit } from '@weir/async';
import type { Outcome, ReconcileContext } from '@weir/controller';
import {
  asSucceeded,
  beginObjectRun,
  Failure,
  failObjectRun,
  intervalMs,
  isAwaited,
  type ObjectRun,
  setFields,
} from '@weir/reconcile';
import { asBegun, asSuspended } from '../shared/conditions.ts';
import { parseImage } from '../shared/image.ts';
import type { ImageEnvironment } from '../shared/kind.ts';
import type { BuildTimes } from './build-times.ts';
import { chooseLatest } from './choose.ts';
import { withDigest } from './digest.ts';
import { newestOf } from './newest.ts';
import { findRepository } from './repository.ts';
import { readTags } from './tags.ts';

const FIELD_MANAGER = 'image-reflector-controller';

export interface PolicyEnvironment extends ImageEnvironment {
  buildTimes: BuildTimes;
  /** Tags whose images a policy `newest` examines. */
  newestMaxTags: number;
  /** Slots for lists that take much memory. */
  large: FairLimit;
  /** Slots for requests to registries. */
  slots: FairLimit;
}

type Run = ObjectRun<ImagePolicy, ImagePolicyStatus>;

/** Reconciles one ImagePolicy once. */
export async function reconcile(
  found: ImagePolicy,
  context: ReconcileContext,
  environment: PolicyEnvironment,
): Promise<Outcome> {
  const { client, policies, recorders, signal: stopping } = environment;
  const recorder = recorders[FIELD_MANAGER];
  const run = await beginObjectRun<ImagePolicy, ImagePolicyStatus>(found, context, {
    ...{ client, kind: ImagePolicy, informer: policies, fieldManager: FIELD_MANAGER },
    ...{ types: {}, begun: asBegun, suspended: asSuspended, isAwaited },
  });
  if (run === undefined) return {};
  try {
    const latest = await context.waiting(() => latestOf(run, environment));
    return await succeed(run, latest, environment);
  } catch (error) {
    if (isBrief(run, error)) {
      run.status.abandon();
      return { requeueAfterMs: BRIEF_MS };
    }
    return await failObjectRun(run, error, { recorder, stopping });
  }
}

/** @throws Failure */
async function latestOf(run: Run, environment: PolicyEnvironment): Promise<ImageRef> {
  const { object, signal } = run;
  const { images, pool, large, slots, buildTimes, newestMaxTags } = environment;
  const repository = await findRepository(object, environment, signal);
  parseImage(repository.spec.image);
  const tags = await readTags(repository, images, signal);
  const { namespace: tenant = '' } = object.metadata;
  const tag = await chooseLatest(object, tags, {
    ...{ pool, large, signal },
    newestOf: (filtered) =>
      newestOf(repository, filtered, {
        ...{ images, buildTimes, maxTags: newestMaxTags, slots, tenant, signal },
      }),
  });
  const latest = { name: repository.spec.image, tag };
  return withDigest(object, repository, latest, { images, slots, signal });
}

async function succeed(
  { object, status }: Run,
  latest: ImageRef,
  { recorders, minIntervalMs }: PolicyEnvironment,
): Promise<Outcome> {
  const { latestRef: before, observedPreviousRef } = object.status ?? {};
  const isSame = isDeepStrictEqual(before, latest);
  const previous = isSame ? observedPreviousRef : before;
  const message = messageOf(latest, previous);
  const reason = Reason.Succeeded;
  status.update((report) =>
    setFields(asSucceeded(report, { reason, message }), {
      ...{ latestRef: latest, observedPreviousRef: previous },
    }),
  );
  await status.finish();
  const ready = findCondition(object.status?.conditions, READY);
  const isNews = ready?.status !== 'True' || ready.message !== message;
  const isAsked = isRequested(object, object.status?.lastHandledReconcileAt);
  if (isNews || isAsked) {
    const severity = isNews ? 'info' : 'trace';
    recorders[FIELD_MANAGER].event(object, { severity, reason, message });
  }
  const { interval } = object.spec;
  return interval === undefined ? {} : { requeueAfterMs: intervalMs(interval, minIntervalMs) };
}

/** Flux's message. */
function messageOf({ name, tag, digest }: ImageRef, previous: ImageRef | undefined): string {
  const latest = `Latest image tag for ${name} resolved to ${tag}`;
  const withDigest = digest ? `${latest} with digest ${digest}` : latest;
  if (
    previous === undefined ||
    isDeepStrictEqual(previous, { name, tag, ...(digest && { digest }) })
  ) {
    return withDigest;
  }
  const { name: image, tag: other, digest: own } = previous;
  return `${withDigest} (previously ${image}:${other}${own ? `@${own}` : ''})`;
}

const BRIEF_MS = 1_000;

/**
 * What a new policy lacks is often created a moment later by the same `kubectl apply`, so its absence is not reported
 * during the first second.
 */
function isBrief({ object, context }: Run, error: unknown): boolean {
  const isNew = findCondition(object.status?.conditions, READY) === undefined;
  return error instanceof Failure && error.brief && isNew && !context.causes.has('interval');
}
