// The kind ImagePolicy, and what is opened for it alone.
import { isDeepStrictEqual } from 'node:util';
import { ImagePolicy, type ImageRepository } from '@weir/api';
import { createFairLimit } from '@weir/async';
import { BusUnavailable } from '@weir/bus';
import type { Change, Controller } from '@weir/controller';
import { objectKey } from '@weir/kube';
import type { OpenKind } from '../shared/kind.ts';
import { createBuildTimes } from './build-times.ts';
import { type PolicyEnvironment, reconcile } from './reconcile.ts';
import { repositoryKey } from './repository.ts';

/** Requests to registries at a time. */
const ASKS = 32;
/** Lists of more than a MiB that are processed at a time. */
const LARGE_LISTS = 4;

export const openImagePolicies: OpenKind<ImagePolicy> = (parts) => {
  const { policies, repositories, bus, settings } = parts;
  const environment: PolicyEnvironment = {
    ...parts,
    buildTimes: createBuildTimes(),
    newestMaxTags: settings.number('image-newest-max-tags', 500, { min: 1 }),
    large: createFairLimit(LARGE_LISTS),
    slots: createFairLimit(ASKS),
  };
  /** Policies whose tags could not be read while NATS was away. */
  const waiting = new Set<string>();
  return {
    kind: ImagePolicy,
    informer: policies,
    ownershipKey: (object) => `imagepolicy/${objectKey(object)}`,
    async reconcile(object, context) {
      waiting.delete(objectKey(object));
      try {
        return await reconcile(object, context, environment);
      } catch (error) {
        if (error instanceof BusUnavailable) waiting.add(objectKey(object));
        throw error;
      }
    },
    connect(controller) {
      const stops = [
        repositories.onChange((change) => runPolicies(change, controller)),
        bus.onReconnect(() => {
          for (const key of waiting) controller.enqueue(key, { cause: 'reconnected' });
        }),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };

  /** Runs policies when a listing has ended, or another part of their ImageRepository has changed. */
  function runPolicies({ type, object, previous }: Change<ImageRepository>, to: Controller): void {
    const isSame = isDeepStrictEqual(partsOf(object), previous && partsOf(previous));
    if (type !== 'deleted' && isSame) return;
    const key = objectKey(object);
    for (const policy of policies.list()) {
      if (repositoryKey(policy) !== key) continue;
      to.enqueue(objectKey(policy), { cause: 'tags', subject: `ImageRepository/${key}` });
    }
  }
};

/** The parts of an ImageRepository that a policy depends on. */
function partsOf({ spec, status, metadata }: ImageRepository): unknown {
  const { canonicalImageName, lastScanResult } = status ?? {};
  return [metadata.uid, spec.image, spec.accessFrom, canonicalImageName, lastScanResult?.revision];
}
