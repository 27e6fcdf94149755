import type { IncomingMessage } from 'node:http';
import { followRedirects as follow, RedirectRefused } from '@weir/net';
import { OciError } from './errors.ts';
import { describe } from './transport.ts';

/**
 * Follows the redirects of registries to where they store blobs. The further requests have no credentials: what they
 * need is in their URL, and the host may be anybody's.
 * @param request sends the request to another URL, without an Authorization header
 * @throws OciError Refused for a redirect that must not be followed; what `request` throws
 */
export async function followRedirects(
  first: { response: IncomingMessage; url: URL; method: 'GET' | 'HEAD' },
  request: (url: URL) => Promise<IncomingMessage>,
): Promise<{ response: IncomingMessage; url: URL }> {
  try {
    return await follow(first, request);
  } catch (cause) {
    if (!(cause instanceof RedirectRefused)) throw cause;
    throw new OciError('Refused', `${describe(first)}: ${cause.message}`, { cause });
  }
}
