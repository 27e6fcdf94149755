import type { Settings } from './settings.ts';

const MIB = 1024 ** 2;

/** With less, engines could not even start on their work. MiB. */
const LEAST = 128;

/**
 * What `--engine-memory-mib` lets the render engines of a service take together, in bytes; undefined for what suits the
 * container. Throws SettingsError for less than 128 MiB.
 */
export function engineMemoryBytes(settings: Settings): number | undefined {
  if (!settings.get('engine-memory-mib')) return undefined;
  return settings.number('engine-memory-mib', LEAST, { min: LEAST }) * MIB;
}
