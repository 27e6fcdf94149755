// The policy `newest`, which Flux doesn't have: it chooses the image that was built last.
import { type ImageRepository, Reason } from '@weir/api';
import type { FairLimit } from '@weir/async';
import { Failure } from '@weir/reconcile';
import type { Images } from '../shared/images.ts';
import { registryFailure } from '../shared/registry-failure.ts';
import { timeoutOf } from '../shared/timeout.ts';
import type { BuildTimes } from './build-times.ts';

export interface NewestOptions {
  images: Images;
  buildTimes: BuildTimes;
  /** Tags whose images are examined. */
  maxTags: number;
  /** Slots for requests to registries. */
  slots: FairLimit;
  /** The namespace of the policy. */
  tenant: string;
  signal: AbortSignal;
}

/**
 * Of images that were built at the same time, the one with the last tag in byte order is chosen.
 * @param tags sorted by their bytes, descending
 * @throws Failure Failure
 */
export async function newestOf(
  repository: ImageRepository,
  tags: readonly string[],
  { images, buildTimes, maxTags, slots, tenant, signal }: NewestOptions,
): Promise<string> {
  if (tags.length > maxTags) {
    const message = `spec.policy.newest would have to look at ${tags.length} images, ${maxTags} are allowed: narrow them down with spec.filterTags (--image-newest-max-tags is the limit)`;
    throw new Failure(Reason.Failure, message);
  }
  const times = await ask(repository, tags);
  let newest: { tag: string; builtAt: number } | undefined;
  for (const [index, tag] of tags.entries()) {
    const builtAt = times[index];
    if (builtAt === undefined || builtAt <= (newest?.builtAt ?? Number.NEGATIVE_INFINITY)) continue;
    newest = { tag, builtAt };
  }
  if (newest !== undefined) return newest.tag;
  throw new Failure(Reason.Failure, `none of ${tags.length} images says when it was built`);

  async function ask(object: ImageRepository, wanted: readonly string[]) {
    try {
      const image = await images.open(object, signal);
      const look = () => {
        const timeout = AbortSignal.timeout(Math.min(timeoutOf(object), MAX_LOOK_MS));
        return buildTimes.of(image, wanted, AbortSignal.any([signal, timeout]));
      };
      return await slots.run(tenant, look, signal);
    } catch (cause) {
      if (signal.aborted) throw cause;
      throw registryFailure(Reason.Failure, 'failed to read when images were built', cause);
    }
  }
}

/** The longest that one examination may hold its slot, in ms. What it has read by then is kept for the next one. */
const MAX_LOOK_MS = 60_000;
