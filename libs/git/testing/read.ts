import { type ReadOptions, withObjects } from '../objects.ts';
import { listTree, readFiles, type TreeEntry, type TreeLimits } from '../tree.ts';

/** The regular files of a commit with their contents as text, by path. */
export async function readAll(
  options: ReadOptions,
  commit: string,
  limits: Partial<TreeLimits> = {},
): Promise<Record<string, string>> {
  const entries = await withObjects(options, (objects) =>
    listTree(objects, commit, limits.maxFiles),
  );
  return readAllEntries(options, entries, limits.maxBytes);
}

/** The contents of listed files as text, by path. */
export async function readAllEntries(
  options: ReadOptions,
  entries: readonly TreeEntry[],
  maxBytes?: number,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  await withObjects(options, async (objects) => {
    for await (const { path, content } of readFiles(objects, entries, maxBytes)) {
      const chunks: Buffer[] = [];
      for await (const chunk of content) chunks.push(chunk);
      found[path] = Buffer.concat(chunks).toString();
    }
  });
  return found;
}
