// Reconciles one ImageRepository, from top to bottom: decides whether a listing is due, lists the tags, stores them for
// policies, and writes the status.
import {
  findCondition,
  formatDuration,
  formatTime,
  ImageRepository,
  type ImageRepositoryStatus,
  isRequested,
  parseDuration,
  READY,
  Reason,
} from '@weir/api';
import type { Outcome, ReconcileContext } from '@weir/controller';
import {
  acceptableAgeMs,
  asProgressing,
  asSucceeded,
  beginObjectRun,
  failObjectRun,
  intervalMs,
  isAwaited,
  messageOf,
  type ObjectRun,
  setFields,
} from '@weir/reconcile';
import { asBegun, asSuspended } from '../shared/conditions.ts';
import { exclusionListOf } from '../shared/exclusion.ts';
import type { Image } from '../shared/images.ts';
import type { ImageEnvironment } from '../shared/kind.ts';
import { registryFailure } from '../shared/registry-failure.ts';
import type { PackedTags } from '../shared/tags/packed.ts';
import { dueOf, INTERVAL } from './due.ts';

const FIELD_MANAGER = 'image-reflector-controller';

type Run = ObjectRun<ImageRepository, ImageRepositoryStatus>;
type ScanResult = NonNullable<ImageRepositoryStatus['lastScanResult']>;

/** Reconciles one ImageRepository once. */
export async function reconcile(
  found: ImageRepository,
  context: ReconcileContext,
  environment: ImageEnvironment,
): Promise<Outcome> {
  const { client, images, repositories, recorders, tracing, signal: stopping } = environment;
  const recorder = recorders[FIELD_MANAGER];
  const run = await beginObjectRun<ImageRepository, ImageRepositoryStatus>(found, context, {
    ...{ client, kind: ImageRepository, informer: repositories, fieldManager: FIELD_MANAGER },
    ...{ types: {}, begun: asBegun, suspended: asSuspended, isAwaited },
    release: (object) => images.stored.remove(object),
  });
  if (run === undefined) return {};
  const { object, status, signal } = run;
  try {
    const image = await images.open(object, signal);
    const due = await dueOf(object, image.name, context.causes, (revision) =>
      images.stored.has(object, revision),
    );
    const everyMs = intervalMs(object.spec.interval, environment.minIntervalMs);
    if ('inMs' in due) {
      const next = `next scan in ${formatDuration(due.inMs)}`;
      const message = `no change in repository configuration since last scan, ${next}`;
      await succeed(run, image, object.status?.lastScanResult, message, recorder);
      return { requeueAfterMs: due.inMs };
    }
    status.update((report) => asProgressing(report, `scanning: ${due.reason}`));
    const tags = await context.waiting(() =>
      tracing.span('scan', { attributes: { 'image.name': image.name } }, () =>
        scan(run, image, due.reason === INTERVAL, environment),
      ),
    );
    await succeed(run, image, resultOf(object, tags), wordsOf(object, tags, everyMs), recorder);
    return { requeueAfterMs: everyMs };
  } catch (error) {
    return await failObjectRun(run, error, { recorder, stopping });
  }
}

/** @throws Failure ReadOperationFailed */
async function scan(
  { object, context, signal }: Run,
  image: Image,
  isRoutine: boolean,
  { images }: ImageEnvironment,
): Promise<PackedTags> {
  const everyMs = parseDuration(object.spec.interval);
  const maxAgeMs = isRoutine ? acceptableAgeMs(context.causes, everyMs) : 0;
  try {
    const tags = await images.scan(object, image, maxAgeMs, signal);
    context.guard();
    await images.stored.save(object, tags).catch((cause: unknown) => {
      throw new Error(`failed to set tags for "${image.name}": ${messageOf(cause)}`, { cause });
    });
    return tags;
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw registryFailure(Reason.ReadOperationFailed, 'scan failed', cause);
  }
}

/**
 * A scan without new tags updates the time in the status only if that is older than this, in ms. So an interval of a
 * few seconds doesn't cost a write each time.
 */
const SCAN_TIME_MS = 50_000;

function resultOf(object: ImageRepository, { count, revision, latest }: PackedTags): ScanResult {
  const before = object.status?.lastScanResult;
  const isSame = before?.revision === revision && before.tagCount === count;
  const sinceMs = Date.now() - Date.parse(before?.scanTime ?? '');
  if (isSame && sinceMs < SCAN_TIME_MS && !isAsked(object)) return before;
  const latestTags = latest.length > 0 ? { latestTags: latest } : {};
  return { ...latestTags, revision, scanTime: formatTime(new Date()), tagCount: count };
}

function wordsOf({ status }: ImageRepository, { revision }: PackedTags, everyMs: number): string {
  const isSame = status?.lastScanResult?.revision === revision;
  const scanned = isSame ? 'tags did not change' : 'successful scan';
  return `${scanned}, next scan in ${formatDuration(everyMs)}`;
}

/**
 * Writes the final status of a successful run, and publishes an event if there is anything new.
 * @param otherwise the message of the Kubernetes Event for a requested run without anything new
 */
async function succeed(
  { object, status }: Run,
  image: Image,
  result: ScanResult | undefined,
  otherwise: string,
  recorder: ImageEnvironment['recorders'][typeof FIELD_MANAGER],
): Promise<void> {
  const { tagCount = 0, revision = '' } = result ?? {};
  const message = `successful scan: found ${tagCount} tags with checksum ${revision}`;
  const reason = Reason.Succeeded;
  status.update((report) =>
    setFields(asSucceeded(report, { reason, message }), {
      canonicalImageName: image.name,
      lastScanResult: result,
      observedExclusionList: [...exclusionListOf(object.spec)],
    }),
  );
  await status.finish();
  const before = findCondition(object.status?.conditions, READY);
  if (before?.status !== 'True' || before.message !== message) {
    recorder.event(object, { severity: 'info', reason, message });
  } else if (isAsked(object)) {
    recorder.event(object, { severity: 'trace', reason, message: otherwise });
  }
}

/** Whether somebody requested this run. */
function isAsked(object: ImageRepository): boolean {
  const { observedGeneration, lastHandledReconcileAt } = object.status ?? {};
  const isNew = observedGeneration !== object.metadata.generation;
  return isNew || isRequested(object, lastHandledReconcileAt);
}
