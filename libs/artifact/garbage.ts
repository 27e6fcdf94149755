import type { ArtifactStore } from './store.ts';

/**
 * Removes the artifacts that nothing refers to and that weren't put for `olderThanMs`: long enough for one that
 * was just put to be referred to. Resolves with how many. `referenced` holds digests of all who use the store.
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
