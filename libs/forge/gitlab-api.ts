import { ForgeError } from './errors.ts';
import type { ForgeRepository } from './repository.ts';

/** The path of a project may have any depth; its number is fine as well. */
export function gitLabProjectUrl({ origin, path }: ForgeRepository): string {
  if (path === '') throw new ForgeError(`invalid repository id: '${path}'`);
  return `${origin}/api/v4/projects/${encodeURIComponent(path)}`;
}
