// Where a service keeps on disk what it can get again.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Settings, SettingsError } from './settings.ts';

export interface Storage {
  dir: string;
  /** Removes the folder if it is one that nobody asked for; what was asked for stays. */
  close(): Promise<void>;
}

/**
 * The folder of a service: in `--storage-dir`, or one of this instance alone in the system's temporary folder.
 * Throws SettingsError where nothing can be written: an instance that finds out later would be given objects
 * that it can do nothing for.
 */
export async function openStorage(
  settings: Settings,
  { service, instance }: { service: string; instance: string },
): Promise<Storage> {
  const given = settings.get('storage-dir');
  const dir = given ? join(given, service) : join(tmpdir(), `weir-${service}-${instance}`);
  const probe = join(dir, `.probe-${instance}`);
  try {
    await mkdir(dir, { recursive: true });
    await writeFile(probe, '');
    await rm(probe);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SettingsError(`--storage-dir: ${service} can't write to ${dir}: ${why}`, { cause });
  }
  return {
    dir,
    async close() {
      if (!given) await rm(dir, { recursive: true, force: true });
    },
  };
}
