// The folder in which a service keeps derived data on disk.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Settings, SettingsError } from './settings.ts';

export interface Storage {
  dir: string;
  /** Removes the folder unless the operator named it. */
  close(): Promise<void>;
}

/**
 * The folder of a service: in `--storage-dir`, or one for this instance only in the system's temporary folder. Throws
 * SettingsError if it can't be written: an instance that noticed that later would own objects for which it can do
 * nothing.
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
