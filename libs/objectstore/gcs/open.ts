// A bucket of Google Cloud Storage, by its documented JSON API.
import { type ConnectionOptions, staysPrivate } from '@weir/net';
import type { Bucket } from '../bucket.ts';
import { connect } from '../connect.ts';
import { ObjectStoreError } from '../errors.ts';
import { boundedPages } from '../pages.ts';
import { contentOf, get, type StoreRequest } from '../request.ts';
import { jsonOf, objectOf, pageOf } from './answer.ts';

export interface GcsOptions extends ConnectionOptions {
  bucket: string;
  /** URL of the API; Google's unless given. */
  endpoint?: string | undefined;
  /** Returns a token for each request; without it only public buckets can be read. */
  token?: ((signal: AbortSignal) => Promise<string>) | undefined;
}

const ENDPOINT = 'https://storage.googleapis.com';
const PAGE = 1000;
/** Google, "About Cloud Storage buckets", with the characters of domains that name a bucket. */
const BUCKET = /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/;
/** The fields that are requested of each object. */
const FIELDS = 'name,etag,size,generation';

/** @throws ObjectStoreError InvalidConfiguration, InvalidBucketName */
export function openGcsBucket(options: GcsOptions): Bucket {
  const { bucket, token } = options;
  const origin = endpointOf(options);
  if (!BUCKET.test(bucket) || bucket.includes('..')) {
    const what = 'Bucket name contains invalid characters, or is too short or too long';
    throw new ObjectStoreError('InvalidBucketName', what);
  }
  const objects = `/storage/v1/b/${encodeURIComponent(bucket)}/o`;
  const connections = connect(options);

  function request(
    path: string,
    parameters: Record<string, string>,
    signal: AbortSignal,
  ): StoreRequest {
    const headers = async (): Promise<Record<string, string>> =>
      token === undefined ? {} : { authorization: `Bearer ${await token(signal)}` };
    const target = `${path}?${new URLSearchParams(parameters)}`;
    return { connections, origin, path: target, headers, signal };
  }

  async function look(path: string, signal: AbortSignal) {
    const answer = await get(request(path, { fields: FIELDS }, signal));
    return objectOf(await jsonOf(answer, 'ObjectMissing', signal));
  }

  return {
    list(prefix, { signal, limits }) {
      const ask = async (pageToken: string | undefined) => {
        const parameters = {
          ...{ maxResults: String(PAGE), fields: `kind,nextPageToken,items(${FIELDS})` },
          ...(prefix === '' ? {} : { prefix }),
          ...(pageToken === undefined ? {} : { pageToken }),
        };
        const answer = await get(request(objects, parameters, signal));
        return pageOf(await jsonOf(answer, 'BucketMissing', signal));
      };
      return boundedPages(ask, { prefix, limits });
    },
    async read(key, { signal, etag = '', version }) {
      const path = `${objects}/${encodeURIComponent(key)}`;
      const state = version === undefined ? await look(path, signal) : { etag, version };
      const parameters = { alt: 'media', ifGenerationMatch: state.version };
      const answer = await get(request(path, parameters, signal));
      if (answer.statusCode === 200) return contentOf(answer, state.etag, signal);
      answer.destroy();
      // Errors of contents are texts for people, so the object is requested to find out what is wrong.
      const now = await look(path, signal);
      if (now.version !== state.version) {
        throw new ObjectStoreError('ObjectChanged', 'the object is another one by now');
      }
      const what = `the content can't be had: HTTP status ${answer.statusCode}`;
      throw new ObjectStoreError('Refused', what);
    },
    close: () => connections.close(),
  };
}

function endpointOf({ endpoint = ENDPOINT }: GcsOptions): URL {
  const url = URL.parse(endpoint);
  if (url !== null && staysPrivate(url) && url.pathname === '/' && url.username === '') return url;
  const what =
    'the endpoint of Google Cloud Storage is no URL such as https://storage.googleapis.com';
  throw new ObjectStoreError('InvalidConfiguration', what);
}
