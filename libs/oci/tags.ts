import { OciError } from './errors.ts';
import { readPages } from './pages.ts';
import { isTag } from './reference.ts';
import { pullScope } from './scope.ts';
import type { Answer, Session } from './session.ts';

export interface TagLimits {
  /** Tags of a page that are asked for; a registry may give fewer or more. */
  pageSize?: number;
  /** Tags in all; 200,000 unless given. */
  maxTags?: number;
  /** Called with each page that the registry gave an ETag, and with undefined for one without. */
  onPage?(page: PageValidator | undefined): void;
}

/** A page of a list as it was, for asking whether it is still the same. */
export interface PageValidator {
  /** Below `/v2/`, with the query. */
  path: string;
  etag: string;
}

const PAGE_SIZE = 1_000;
const MAX_TAGS = 200_000;
const MAX_PAGE_BYTES = 8 * 1024 ** 2;
/** A registry may give pages that are smaller than asked: ten tags on average, and 50 where there are many. */
const LEAST_PAGE = 10;
const MAX_PAGES = 20_000;
const MAX_ETAG = 256;

/** The tags of a repository, page by page, so that who filters them never holds them all. See `Registry.tags`. */
export async function* listTags(
  session: Session,
  name: string,
  signal: AbortSignal,
  { pageSize = PAGE_SIZE, maxTags = MAX_TAGS, onPage }: TagLimits = {},
): AsyncGenerator<string[]> {
  const path = `${name}/tags/list?n=${pageSize}`;
  const request = { method: 'GET' as const, path, scope: pullScope(name), signal };
  const maxPages = Math.min(Math.ceil(maxTags / LEAST_PAGE), MAX_PAGES);
  const limits = { maxPageBytes: MAX_PAGE_BYTES, maxPages };
  let count = 0;
  for await (const { path, answer, content } of readPages(session, request, limits)) {
    onPage?.(validatorOf(path, answer));
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

/**
 * Whether all pages of a list are as they were, asked by their ETags. A registry that doesn't know them gives pages, of which
 * the first is an answer too: false.
 */
export async function areUnchanged(
  session: Session,
  name: string,
  pages: readonly PageValidator[],
  signal: AbortSignal,
): Promise<boolean> {
  for (const { path, etag } of pages) {
    const request = { method: 'GET' as const, path, scope: pullScope(name), signal };
    const { response } = await session.request({ ...request, ifNoneMatch: etag });
    if (response.statusCode !== 304) {
      response.destroy();
      return false;
    }
    response.resume();
  }
  return pages.length > 0;
}

function validatorOf(path: string, { response }: Answer): PageValidator | undefined {
  const { etag } = response.headers;
  // RFC 9110, 8.8.3.
  if (etag === undefined || etag.length > MAX_ETAG || !/^(W\/)?"[\x21\x23-\x7e]*"$/.test(etag)) {
    return undefined;
  }
  return { path, etag };
}
