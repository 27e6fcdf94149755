import { OciError } from './errors.ts';
import { readPages } from './pages.ts';
import { isTag } from './reference.ts';
import { pullScope } from './scope.ts';
import type { Session } from './session.ts';

export interface TagLimits {
  /** Tags of a page that are asked for; a registry may give fewer or more. */
  pageSize?: number;
  /** Tags in all. */
  maxTags?: number;
}

const PAGE_SIZE = 1_000;
const MAX_TAGS = 200_000;
const MAX_PAGE_BYTES = 8 * 1024 ** 2;

/** The tags of a repository, page by page, so that who filters them never holds them all. See `Registry.tags`. */
export async function* listTags(
  session: Session,
  name: string,
  signal: AbortSignal,
  { pageSize = PAGE_SIZE, maxTags = MAX_TAGS }: TagLimits = {},
): AsyncGenerator<string[]> {
  const path = `${name}/tags/list?n=${pageSize}`;
  const request = { method: 'GET' as const, path, scope: pullScope(name), signal };
  // A registry may give pages that are smaller than asked, and none that are empty without an end.
  const limits = { maxPageBytes: MAX_PAGE_BYTES, maxPages: Math.ceil(maxTags / 10) };
  let count = 0;
  for await (const { answer, content } of readPages(session, request, limits)) {
    const { tags } = content;
    if (tags !== undefined && tags !== null && !Array.isArray(tags)) {
      throw new OciError('InvalidResponse', `${answer.what}: 'tags' is no list`);
    }
    const page = ((tags ?? []) as unknown[]).filter(isTagName);
    count += page.length;
    if (count > maxTags) {
      const message = `${answer.what}: the repository has more than ${maxTags} tags`;
      throw new OciError('TooLarge', message);
    }
    yield page;
  }
}

/** What is no tag can't be asked for, so it isn't one to choose from. */
function isTagName(value: unknown): value is string {
  return typeof value === 'string' && isTag(value);
}
