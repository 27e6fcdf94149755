// Opens what runs of automations share besides what the service gives them.
import { join } from 'node:path';
import { createGitSlots, createObjectCache, createRepositoryCache, readGitLimits } from '@weir/git';
import type { Identities } from '@weir/identity';
import type { KubeClient } from '@weir/kube';
import type { RenderPool } from '@weir/render';
import type { Settings } from '@weir/service';
import { createAppTokens } from '@weir/sources/git';
import type { Logger } from '@weir/telemetry';
import type { SyncEnvironment } from './environment.ts';
import { createMarkedFolders, defaultSearchLimits } from './folders.ts';
import { createMirrors } from './mirror.ts';

const GIB = 1024 ** 3;
/** Bytes of folders and of files with markers that are kept in memory. */
const CACHED_OBJECT_BYTES = 32 * 1024 ** 2;

export function openSync(parts: {
  client: KubeClient;
  identities: Identities;
  settings: Settings;
  storageDir: string;
  pool: RenderPool;
  log: Logger;
  signal: AbortSignal;
}): SyncEnvironment {
  const { client, identities, settings, storageDir, pool, log, signal } = parts;
  const slots = createGitSlots(settings.number('git-concurrent', 16, { min: 2 }));
  const gitLimits = readGitLimits(settings);
  const network = { allowLocal: settings.boolean('allow-local-addresses', false) };
  const repositories = createRepositoryCache(join(storageDir, 'git'), {
    maxBytes: settings.number('git-cache-bytes', 2 * GIB, { min: 0 }),
    limits: gitLimits,
    slot: (work) => slots.transfer({ namespace: '', host: '' }, work),
    ...{ log, signal },
  });
  return {
    ...{ client, identities, pool, repositories, slots, gitLimits, network },
    mirrors: createMirrors(),
    tokens: createAppTokens({ slots, network, signal }),
    cache: createObjectCache(CACHED_OBJECT_BYTES),
    marked: createMarkedFolders(),
    searchLimits: defaultSearchLimits,
  };
}
