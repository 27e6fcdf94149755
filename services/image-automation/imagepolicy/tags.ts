// The tags that an ImagePolicy chooses from: those that were stored with the last listing, or listed anew where they are lost.
import { findCondition, type ImageRepository, READY, Reason } from '@weir/api';
import { Failure } from '@weir/reconcile';
import type { Images } from '../shared/images.ts';
import { registryFailure } from '../shared/registry-failure.ts';
import type { PackedTags } from '../shared/tags/packed.ts';

/** When to look again for tags that aren't there, in ms: Flux's `--requeue-dependency`. */
const RETRY_MS = 30_000;
/** When to look again at what is under way, in ms. */
const SOON_MS = 1_000;

/** @throws Failure DependencyNotReady; BusUnavailable while nobody knows the tags */
export async function readTags(
  repository: ImageRepository,
  images: Images,
  signal: AbortSignal,
): Promise<PackedTags> {
  if (repository.status?.lastScanResult === undefined) throw noTags(isUnderWay(repository));
  const stored = await images.stored.load(repository);
  if (stored !== undefined) return stored;
  // A suspended ImageRepository asks nothing of its registry.
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

/** Whether an ImageRepository is new, and will have tags in a moment. */
function isUnderWay({ spec, status }: ImageRepository): boolean {
  return !spec.suspend && findCondition(status?.conditions, READY)?.status !== 'False';
}

/** @param isUnderWay nothing is said of what may be over before anybody looks */
export function noTags(isUnderWay: boolean): Failure {
  return new Failure(Reason.DependencyNotReady, 'retrying in 30s error: no tags in database', {
    brief: isUnderWay,
    retryMs: isUnderWay ? SOON_MS : RETRY_MS,
  });
}
