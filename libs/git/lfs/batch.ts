// The batch API: where the contents of pointers are (git-lfs, docs/api/batch.md).
import type { OutgoingHttpHeaders } from 'node:http';
import { GitError } from '../errors.ts';
import { failure, type LfsClient } from './client.ts';
import type { LfsPointer } from './pointer.ts';

/** Where a content is had from. */
export interface LfsDownload extends LfsPointer {
  href: URL;
  headers: OutgoingHttpHeaders;
}

/** Contents that are asked for with one request. */
export const BATCH = 100;
/** Bytes of an answer: 10 kB a content. */
const MAX_ANSWER = 1024 ** 2;
/** Headers of one download, and bytes of each. */
const MAX_HEADERS = 32;
const MAX_HEADER = 8 * 1024;
/** Headers that say how a request is sent, which is not for the server to decide. */
const RESERVED =
  /^(host|connection|content-length|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*|accept-encoding|cookie)$/i;

/** What is said of a content that the server has not. */
const REASONS: Record<number, string> = {
  404: 'the LFS server has no such object',
  410: 'the LFS server has the object no more',
  422: 'the LFS server takes the object for invalid',
};

/** Asks for up to `BATCH` contents. @throws GitError where one of them can't be had */
export async function askBatch(
  client: LfsClient,
  pointers: readonly LfsPointer[],
): Promise<LfsDownload[]> {
  const objects = pointers.map(({ oid, size }) => ({ oid, size }));
  const question = { operation: 'download', transfers: ['basic'], hash_algo: 'sha256', objects };
  const answer = await client.post('objects/batch', question, MAX_ANSWER);
  const { objects: answered, transfer = 'basic' } = asRecord(answer);
  if (transfer !== 'basic' || !Array.isArray(answered)) {
    throw failure('GitOperationFailed', client.url, 'the answer is none of the LFS batch API');
  }
  const byOid = new Map(answered.map((it) => [asRecord(it).oid, asRecord(it)]));
  return pointers.map((pointer) => downloadOf(pointer, byOid.get(pointer.oid) ?? {}, client.url));
}

function downloadOf(
  pointer: LfsPointer,
  { actions, error, size }: Record<string, unknown>,
  server: URL,
): LfsDownload {
  const fail = (why: string): never => {
    const message = `unable to get LFS object ${pointer.oid}: ${why}`;
    throw new GitError('GitOperationFailed', message);
  };
  if (error !== undefined) {
    const code = Number(asRecord(error).code);
    return fail(REASONS[code] ?? 'the LFS server refuses it');
  }
  if (size !== undefined && size !== pointer.size) {
    return fail(`it has another size than the pointer's ${pointer.size} bytes`);
  }
  const { href, header } = asRecord(asRecord(actions).download);
  const url = URL.parse(typeof href === 'string' ? href : '', server.href);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || href === undefined) {
    return fail('the LFS server names no place to get it from');
  }
  url.username = '';
  url.password = '';
  const headers = headersOf(asRecord(header)) ?? fail('its headers are no headers');
  return { ...pointer, href: url, headers };
}

function headersOf(header: Record<string, unknown>): OutgoingHttpHeaders | undefined {
  const entries = Object.entries(header);
  const isValid = entries.every(
    ([name, value]) =>
      /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(name) &&
      typeof value === 'string' &&
      value.length <= MAX_HEADER &&
      /^[\t\x20-\x7e]*$/.test(value),
  );
  if (!isValid || entries.length > MAX_HEADERS) return undefined;
  return Object.fromEntries(
    entries.flatMap(([name, value]) => (RESERVED.test(name) ? [] : [[name, `${value}`]])),
  );
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
