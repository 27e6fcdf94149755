import { createHash } from 'node:crypto';
import { readBody } from './answer.ts';
import { OciError } from './errors.ts';
import type { Answer, Session, SessionRequest } from './session.ts';

export interface PageLimits {
  /** Bytes of one page. */
  maxPageBytes: number;
  maxPages: number;
}

/**
 * Reads a list in pages of JSON, each of which names the next in a `Link` header (RFC 8288).
 * @throws OciError InvalidResponse for a list that repeats a page; TooLarge
 */
export async function* readPages(
  session: Session,
  first: SessionRequest,
  { maxPageBytes, maxPages }: PageLimits,
): AsyncGenerator<{ path: string; answer: Answer; content: Record<string, unknown> }> {
  let path: string | undefined = first.path;
  const seen = new Set<string>();
  for (let page = 1; path !== undefined; page++) {
    const answer = await session.request({ ...first, path });
    const { response, what } = answer;
    if (page > maxPages) {
      response.destroy();
      throw new OciError('TooLarge', `${what}: the list has more than ${maxPages} pages`);
    }
    const body = await readBody(response, { maxBytes: maxPageBytes, what, signal: first.signal });
    yield { path, answer, content: parse(body, what) };
    // Hashes are kept, because a path may be long and there may be many.
    seen.add(hashOf(path));
    path = nextPath(answer);
    if (path !== undefined && seen.has(hashOf(path))) {
      throw new OciError('InvalidResponse', `${what}: the list comes back to a page that it had`);
    }
  }
}

function hashOf(path: string): string {
  return createHash('sha256').update(path).digest('base64');
}

function parse(body: Buffer, what: string): Record<string, unknown> {
  try {
    const content: unknown = JSON.parse(body.toString('utf8'));
    if (typeof content === 'object' && content !== null) return content as Record<string, unknown>;
  } catch (cause) {
    throw new OciError('InvalidResponse', `${what}: the list is no JSON`, { cause });
  }
  throw new OciError('InvalidResponse', `${what}: the list is no object`);
}

/** The next page below `/v2/`. A link to another host isn't followed, because that host would get the credentials. */
function nextPath({ response, url, what }: Answer): string | undefined {
  const header = [response.headers.link ?? []]
    .flat()
    .join(', ')
    .slice(0, 8 * 1024);
  const target = /<([^<>]*)>\s*;[^<]*\brel="?next"?/.exec(header)?.[1];
  if (target === undefined) return undefined;
  const next = URL.canParse(target, url.href) ? new URL(target, url) : undefined;
  if (next?.host !== url.host || !next.pathname.startsWith('/v2/')) {
    throw new OciError('Refused', `${what}: the next page is not at the registry`);
  }
  return `${next.pathname.slice('/v2/'.length)}${next.search}`;
}
