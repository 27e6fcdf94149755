import { type ReadOptions, withObjects } from '../objects.ts';
import { listTree, readFiles, type TreeLimits } from '../tree.ts';

/** The regular files of a commit with their contents as text, by path. */
export async function readAll(
  options: ReadOptions,
  commit: string,
  limits: Partial<TreeLimits> = {},
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  await withObjects(options, async (objects) => {
    const entries = await listTree(objects, commit, limits.maxFiles);
    for await (const { path, content } of readFiles(objects, entries, limits.maxBytes)) {
      const chunks: Buffer[] = [];
      for await (const chunk of content) chunks.push(chunk);
      found[path] = Buffer.concat(chunks).toString();
    }
  });
  return found;
}
