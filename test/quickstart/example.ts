import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type GitServer, startGitServer } from '@weir/cluster';

const FOLDER = fileURLToPath(new URL('example/', import.meta.url));

/** The Git server with the example repository on it. */
export interface Example {
  /** The URL to clone from and push to. */
  url: string;
  /** The example's first commit. */
  commit: string;
  close(): Promise<void>;
}

/** Serves the example repository over smart HTTP. Calls `onPush` after each push. */
export async function serveExample(options: {
  port?: number;
  host?: string;
  onPush?: () => void;
}): Promise<Example> {
  const server: GitServer = await startGitServer(options);
  const repository = await server.createRepository('example');
  const commit = await repository.commit(await exampleFiles(), {
    message: 'Greet from two environments',
    author: { name: 'Weir', email: 'weir@example.org' },
  });
  return { url: repository.url, commit, close: () => server.close() };
}

async function exampleFiles(): Promise<Record<string, string>> {
  const entries = await readdir(FOLDER, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(
      paths.map(async (path) => [relative(FOLDER, path), await readFile(path, 'utf8')] as const),
    ),
  );
}
