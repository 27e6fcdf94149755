// The upgrade that a HelmRelease would make now: `npm run services -- diff helmrelease <namespace>/<name>`.
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HelmRelease } from '@weir/api';
import { type ArtifactCache, ArtifactMissing } from '@weir/artifact';
import { createPool } from '@weir/render';
import { type Diff, engineMemoryBytes } from '@weir/service';
import { createTracing } from '@weir/telemetry';
import { readSettings } from '../../settings.ts';
import { pendingChange } from './pending.ts';
import { describePending } from './text.ts';

export const diff: Diff = async (ref, { client, settings, log, storageDir, signal }) => {
  const object = await client.get<HelmRelease>(HelmRelease, ref);
  const tracing = createTracing({ service: 'diff', instance: 'diff' });
  const pool = await createPool({ size: 1, memoryLimitBytes: engineMemoryBytes(settings), log });
  try {
    const env = {
      ...{ client, pool, tracing, log },
      settings: readSettings(settings),
      store: folder(storageDir),
    };
    return describePending(await pendingChange(env, object, signal));
  } finally {
    await pool.close();
    await tracing.close();
  }
};

/** Keeps what is fetched in a folder. It begins empty, so that everything is fetched from the URL that the source gave. */
function folder(dir: string): ArtifactCache {
  const missing = async (digest: string): Promise<never> => {
    throw new ArtifactMissing(digest);
  };
  return {
    file: missing,
    fileIndex: missing,
    async keep(digest, download) {
      const file = join(dir, digest.replace(':', '-'));
      await pipeline(Readable.from(download()), createWriteStream(file));
      return file;
    },
  };
}
