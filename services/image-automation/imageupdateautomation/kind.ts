// The kind ImageUpdateAutomation, and what is opened for it alone.
import { GitRepository, ImageUpdateAutomation, resolveReference } from '@weir/api';
import { createInformer } from '@weir/controller';
import { objectKey } from '@weir/kube';
import type { ImageEnvironment, OpenKind } from '../shared/kind.ts';
import type { AutomationEnvironment } from './environment.ts';
import { openSync } from './open.ts';
import { reconcile } from './reconcile.ts';
import { createTriedKeys } from './signing.ts';
import { connectTriggers } from './triggers.ts';

const TIDY_MS = 5 * 60_000;
const UNUSED_REPOSITORY_MS = 24 * 60 * 60_000;

export const openImageUpdateAutomations: OpenKind<ImageUpdateAutomation> = (parts) => {
  const environment = openEnvironment(parts);
  const { automations: informer, sources } = environment;
  return {
    kind: ImageUpdateAutomation,
    informer,
    // The automations of one repository belong to one replica, and share its mirror.
    ownershipKey: (object) =>
      `GitRepository/${objectKey(resolveReference(object.spec.sourceRef, object))}`,
    async reconcile(object, context) {
      await sources.synced();
      await environment.policies.synced();
      return reconcile(object, context, environment);
    },
    connect: (controller) =>
      connectTriggers({
        controller,
        automations: informer,
        policies: environment.policies,
        sources,
      }),
  };
};

function openEnvironment(parts: ImageEnvironment): AutomationEnvironment {
  const { client, stack, log, signal } = parts;
  const sync = openSync(parts);
  const { repositories, mirrors } = sync;
  const tidying = setInterval(() => {
    repositories
      .then((cache) => cache.tidy(UNUSED_REPOSITORY_MS))
      .then(() => mirrors.forget())
      .catch((err: unknown) => log.warn({ err }, 'repositories could not be tidied'));
  }, TIDY_MS);
  stack.defer(() => clearInterval(tidying));
  const informers = { log, signal };
  const automations = createInformer<ImageUpdateAutomation>(
    client,
    ImageUpdateAutomation,
    informers,
  );
  stack.defer(() => automations.close());
  const sources = createInformer<GitRepository>(client, GitRepository, informers);
  stack.defer(() => sources.close());
  return { ...parts, ...sync, automations, sources, tried: createTriedKeys() };
}
