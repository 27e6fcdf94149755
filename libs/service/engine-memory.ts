import type { Settings } from './settings.ts';

const MIB = 1024 ** 2;

/** With less than this, engines could not even start. MiB. */
const LEAST = 128;

/**
 * The memory that `--engine-memory-mib` allows the render engines of a service together, in bytes; undefined for the
 * default. Throws SettingsError for less than 128 MiB.
 */
export function engineMemoryBytes(settings: Settings): number | undefined {
  if (!settings.get('engine-memory-mib')) return undefined;
  return settings.number('engine-memory-mib', LEAST, { min: LEAST }) * MIB;
}
