// What the service needs to know of ImageUpdateAutomations, and what they alone need.
import { join } from 'node:path';
import { GitRepository, ImageUpdateAutomation, resolveReference } from '@weir/api';
import { createInformer } from '@weir/controller';
import { createGitSlots, createObjectCache, createRepositoryCache, readGitLimits } from '@weir/git';
import { objectKey } from '@weir/kube';
import { createAppTokens } from '@weir/sources/git';
import type { ImageEnvironment, OpenKind } from '../shared/kind.ts';
import type { AutomationEnvironment } from './environment.ts';
import { createMarkedFolders, defaultSearchLimits } from './folders.ts';
import { createMirrors } from './mirror.ts';
import { reconcile } from './reconcile.ts';
import { createTriedKeys } from './signing.ts';
import { connectTriggers } from './triggers.ts';

const GIB = 1024 ** 3;
/** Folders, and files with markers, that are kept in memory. */
const CACHED_OBJECT_BYTES = 32 * 1024 ** 2;
const TIDY_MS = 5 * 60_000;
const UNUSED_REPOSITORY_MS = 24 * 60 * 60_000;

export const openImageUpdateAutomations: OpenKind<ImageUpdateAutomation> = (parts) => {
  const environment = openEnvironment(parts);
  const { automations: informer, sources } = environment;
  return {
    kind: ImageUpdateAutomation,
    informer,
    // Those of one repository are one replica's, and share its mirror.
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
  const { client, settings, storageDir, stack, log, signal } = parts;
  const slots = createGitSlots(settings.number('git-concurrent', 16, { min: 2 }));
  const gitLimits = readGitLimits(settings);
  const network = { allowLocal: settings.boolean('allow-local-addresses', false) };
  const mirrors = createMirrors();
  const repositories = createRepositoryCache(join(storageDir, 'git'), {
    maxBytes: settings.number('git-cache-bytes', 2 * GIB, { min: 0 }),
    limits: gitLimits,
    slot: (work) => slots.transfer({ namespace: '', host: '' }, work),
    ...{ log, signal },
  });
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
  return {
    ...parts,
    ...{ automations, sources, repositories, mirrors, slots, gitLimits, network },
    tokens: createAppTokens({ slots, network, signal }),
    cache: createObjectCache(CACHED_OBJECT_BYTES),
    marked: createMarkedFolders(),
    searchLimits: defaultSearchLimits,
    tried: createTriedKeys(),
  };
}
