// A release that doesn't fit into a Secret is refused before anything is applied for it: later nothing could be recorded any
// more, and the release would stay locked.
import type { HelmStored } from '@weir/render';

/** What the API server lets a Secret hold (MaxSecretSize), in bytes. */
const MAX_BYTES = 1_048_576;
/** Room for what later writes of the same version add, in bytes: times, a description, the runs of its hooks. */
const RESERVE_BYTES = 1_024;
const RESERVE_BYTES_A_HOOK = 64;

const NAMED = 5;

/** Throws an Error that says how large the release is and what makes it so. */
export function requireSize({ bytes, largest }: HelmStored, hooks: number): void {
  const limit = MAX_BYTES - RESERVE_BYTES - RESERVE_BYTES_A_HOOK * hooks;
  if (bytes <= limit) return;
  const parts = largest.slice(0, NAMED).map(({ what, bytes: size }) => `${what} ${inUnits(size)}`);
  throw new Error(
    `the release is too large for Helm's storage: ${inUnits(bytes)} compressed and encoded, of ${inUnits(limit)} at most. ` +
      `Largest before compression: ${parts.join(', ')}. ` +
      'Take files out of the chart that its templates do not use (.helmignore), or split it',
  );
}

function inUnits(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  if (bytes < MAX_BYTES) return `${Math.round(bytes / 1_024)} KiB`;
  return `${(bytes / MAX_BYTES).toFixed(2)} MiB`;
}
