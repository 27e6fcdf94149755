import type { IncomingMessage } from 'node:http';
import { discard } from './answer.ts';
import { OciError } from './errors.ts';
import { describe } from './transport.ts';

/** Redirects that one request may make. */
const MAX_REDIRECTS = 5;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/**
 * Follows the redirects that registries make to where they store blobs. The further requests carry no credentials: what
 * they need is in their URL, and the host may be anybody's.
 * @param request sends the request to another URL, without an Authorization header
 * @throws OciError Refused for a redirect to where nothing is read from; what `request` throws
 */
export async function followRedirects(
  first: { response: IncomingMessage; url: URL; method: 'GET' | 'HEAD' },
  request: (url: URL) => Promise<IncomingMessage>,
): Promise<{ response: IncomingMessage; url: URL }> {
  const what = describe(first);
  let { response, url } = first;
  for (let followed = 0; REDIRECTS.includes(response.statusCode ?? 0); followed++) {
    discard(response);
    if (followed === MAX_REDIRECTS) {
      throw refused(what, `more than ${MAX_REDIRECTS} redirects`);
    }
    url = targetOf(response.headers.location, url, what);
    response = await request(url);
  }
  return { response, url };
}

function targetOf(location: string | undefined, from: URL, what: string): URL {
  if (location === undefined || !URL.canParse(location, from.href)) {
    throw refused(what, 'a redirect without a URL');
  }
  const target = new URL(location, from);
  if (target.protocol !== 'https:' && target.protocol !== 'http:') {
    throw refused(what, 'a redirect to what is neither https nor http');
  }
  if (target.protocol === 'http:' && from.protocol === 'https:') {
    throw refused(what, 'a redirect from https to http');
  }
  target.username = '';
  target.password = '';
  return target;
}

function refused(what: string, why: string): OciError {
  return new OciError('Refused', `${what}: ${why} is not followed`);
}
