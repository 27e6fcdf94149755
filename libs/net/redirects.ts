import type { IncomingMessage } from 'node:http';
import { discard } from './send.ts';

/** Redirects that one request may make. */
const MAX_REDIRECTS = 5;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** A redirect that isn't followed, with the reason. */
export class RedirectRefused extends Error {
  override readonly name = 'RedirectRefused';
  readonly reason = 'RedirectRefused';

  constructor(why: string) {
    super(`${why} is not followed`);
  }
}

/**
 * Follows redirects: five at most, to http and https, and never from https to http.
 * @param request sends the request to another URL, without credentials, because the host may be anybody's
 * @throws RedirectRefused; what `request` throws
 */
export async function followRedirects(
  first: { response: IncomingMessage; url: URL },
  request: (url: URL) => Promise<IncomingMessage>,
): Promise<{ response: IncomingMessage; url: URL }> {
  let { response, url } = first;
  for (let followed = 0; REDIRECTS.includes(response.statusCode ?? 0); followed++) {
    discard(response);
    if (followed === MAX_REDIRECTS) {
      throw new RedirectRefused(`more than ${MAX_REDIRECTS} redirects`);
    }
    url = targetOf(response.headers.location, url);
    response = await request(url);
  }
  return { response, url };
}

function targetOf(location: string | undefined, from: URL): URL {
  if (location === undefined || !URL.canParse(location, from.href)) {
    throw new RedirectRefused('a redirect without a URL');
  }
  const target = new URL(location, from);
  if (target.protocol !== 'https:' && target.protocol !== 'http:') {
    throw new RedirectRefused('a redirect to what is neither https nor http');
  }
  if (target.protocol === 'http:' && from.protocol === 'https:') {
    throw new RedirectRefused('a redirect from https to http');
  }
  target.username = '';
  target.password = '';
  return target;
}
