// Reads the tags that an ImagePolicy chooses from: those that were stored after the last listing, or listed again if
// they are lost.
import { findCondition, type ImageRepository, READY, Reason } from '@weir/api';
import { Failure } from '@weir/reconcile';
import type { Images } from '../shared/images.ts';
import { registryFailure } from '../shared/registry-failure.ts';
import type { PackedTags } from '../shared/tags/packed.ts';

/** The time after which missing tags are looked for again, in ms: Flux's `--requeue-dependency`. */
const RETRY_MS = 30_000;
/** The time after which tags that are being listed are looked for again, in ms. */
const SOON_MS = 1_000;

/** @throws Failure DependencyNotReady; BusUnavailable while the tags can't be read */
export async function readTags(
  repository: ImageRepository,
  images: Images,
  signal: AbortSignal,
): Promise<PackedTags> {
  if (repository.status?.lastScanResult === undefined) throw noTags(isUnderWay(repository));
  const stored = await images.stored.load(repository);
  if (stored !== undefined) return stored;
  // For a suspended ImageRepository no request is sent to the registry.
  if (repository.spec.suspend) throw noTags(false);
  return listAnew(repository, images, signal);
}

async function listAnew(
  repository: ImageRepository,
  images: Images,
  signal: AbortSignal,
): Promise<PackedTags> {
  try {
    const image = await images.open(repository, signal);
    const tags = await images.scan(repository, image, RETRY_MS, signal);
    await images.stored.save(repository, tags);
    return tags;
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw registryFailure(Reason.DependencyNotReady, 'no tags in database, listing them', cause);
  }
}

/** Whether an ImageRepository is new, and will have tags soon. */
function isUnderWay({ spec, status }: ImageRepository): boolean {
  return !spec.suspend && findCondition(status?.conditions, READY)?.status !== 'False';
}

/** @param isUnderWay if true, the failure is not reported at first, because it may pass at once */
export function noTags(isUnderWay: boolean): Failure {
  return new Failure(Reason.DependencyNotReady, 'retrying in 30s error: no tags in database', {
    brief: isUnderWay,
    retryMs: isUnderWay ? SOON_MS : RETRY_MS,
  });
}
