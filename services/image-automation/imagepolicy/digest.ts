// Gets the digest of the latest tag, if an ImagePolicy wants it in its status.
import { type ImagePolicy, type ImageRef, type ImageRepository, Reason } from '@weir/api';
import type { FairLimit } from '@weir/async';
import { messageOf } from '@weir/reconcile';
import type { Images } from '../shared/images.ts';
import { registryFailure } from '../shared/registry-failure.ts';
import { timeoutOf } from '../shared/timeout.ts';

export interface DigestOptions {
  images: Images;
  /** Slots for requests to registries. */
  slots: FairLimit;
  signal: AbortSignal;
}

/** The longest that one request may hold its slot, in ms. */
const MAX_ASK_MS = 60_000;

/**
 * The latest image as `spec.digestReflectionPolicy` wants it: the digest is requested, kept from before, or left out.
 * @throws Failure Failed
 */
export async function withDigest(
  policy: ImagePolicy,
  repository: ImageRepository,
  latest: ImageRef,
  options: DigestOptions,
): Promise<ImageRef> {
  const { digestReflectionPolicy = 'Never' } = policy.spec;
  if (digestReflectionPolicy === 'Never') return latest;
  const before = policy.status?.latestRef;
  const isSame = before?.name === latest.name && before.tag === latest.tag;
  if (digestReflectionPolicy === 'IfNotPresent' && isSame && before.digest) {
    return { ...latest, digest: before.digest };
  }
  return { ...latest, digest: await askDigest(policy, repository, latest.tag, options) };
}

async function askDigest(
  { metadata: { namespace = '' } }: ImagePolicy,
  object: ImageRepository,
  tag: string,
  { images, slots, signal }: DigestOptions,
): Promise<string> {
  const reference = `${object.spec.image}:${tag}`;
  const what = `failed fetching digest of ${reference}`;
  try {
    const image = await images.open(object, signal);
    const ask = () => {
      const timeout = AbortSignal.timeout(Math.min(timeoutOf(object), MAX_ASK_MS));
      const either = AbortSignal.any([signal, timeout]);
      return image.registry.resolve(image.repository.name, tag, either).catch((cause: unknown) => {
        throw registryFailure(
          Reason.Failed,
          `${what}: failed fetching descriptor for "${image.name}:${tag}"`,
          cause,
        );
      });
    };
    return await slots.run(namespace, ask, signal);
  } catch (cause) {
    if (signal.aborted || !isAccess(cause)) throw cause;
    throw registryFailure(Reason.Failed, what, new Error(messageOf(cause), { cause }));
  }
}

function isAccess(cause: unknown): boolean {
  return (cause as { reason?: unknown }).reason === Reason.AuthenticationFailed;
}
