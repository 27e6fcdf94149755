// Bounds the number of versions in storage (pkg/storage/storage.go, removeLeastRecent).
import type { ActionRun } from '../actions/action-run.ts';

/**
 * Makes room for one more version: deletes the oldest ones, but never the deployed one. `max` counts the new version;
 * undefined keeps all.
 */
export async function pruneHistory(
  { storage, guard }: Pick<ActionRun, 'storage' | 'guard'>,
  max: number | undefined,
): Promise<void> {
  if (max === undefined) return;
  for (const version of superfluous(await storage.versions(), max - 1)) {
    guard();
    await storage.remove(version);
  }
}

/** The versions to delete so that `max` remain, the oldest first. `versions` is sorted, the highest first. */
export function superfluous(
  versions: readonly { version: number; status: string }[],
  max: number,
): number[] {
  const deployed = versions.find(({ status }) => status === 'deployed')?.version;
  return versions
    .map(({ version }) => version)
    .filter((version) => version !== deployed)
    .toReversed()
    .slice(0, Math.max(0, versions.length - max));
}
