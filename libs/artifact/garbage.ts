import type { ArtifactStore } from './store.ts';

/**
 * Removes the artifacts that nothing refers to and that weren't put within `olderThanMs`, which is long enough for a
 * status to refer to a new one. Resolves with their number. `referenced` has the digests of all users of the store.
 */
export async function collectGarbage(
  store: ArtifactStore,
  { referenced, olderThanMs }: { referenced: ReadonlySet<string>; olderThanMs: number },
): Promise<number> {
  const before = Date.now() - olderThanMs;
  const garbage = (await store.list()).filter(
    ({ digest, modified }) => !referenced.has(digest) && modified.getTime() <= before,
  );
  for (const { digest } of garbage) await store.remove(digest);
  return garbage.length;
}
