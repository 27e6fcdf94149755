// Google Cloud Storage as its JSON API is documented, as far as lists and contents go.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Listening, type ListenOptions, listen } from '@weir/cluster';
import {
  type FilledBucket,
  fillBucket,
  pageOf,
  type StoredObject,
  type Watched,
} from './objects.ts';

export interface GcsServer extends Listening, Watched {
  buckets: Map<string, FilledBucket>;
  createBucket(name: string, objects?: Record<string, string>): FilledBucket;
  /** Tokens that are good here, and whether they may list, or read only. */
  tokens: Map<string, 'list' | 'read'>;
}

const DENIED =
  "reader@project.iam.gserviceaccount.com does not have storage.objects.list access to the Google Cloud Storage bucket. Permission 'storage.objects.list' denied on resource (or it may not exist).";

export async function startGcsServer(options: ListenOptions = {}): Promise<GcsServer> {
  const buckets: GcsServer['buckets'] = new Map();
  const tokens: GcsServer['tokens'] = new Map();
  const requests: string[] = [];
  const listening = await listen((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    requests.push(`${request.method} ${request.url}`);
    if (!server.intercept?.(url, response)) answer(request, url, response);
  }, options);

  function answer(request: IncomingMessage, url: URL, response: ServerResponse) {
    const isMedia = url.searchParams.get('alt') === 'media';
    const fail = (code: number, message: string, reason: string) => {
      // Errors of contents are plain texts.
      const body = isMedia
        ? message
        : JSON.stringify({ error: { code, message, errors: [{ message, reason }] } });
      response.writeHead(code).end(body);
    };
    const [, , , , name = '', , key] = (request.url ?? '').split('?')[0]?.split('/') ?? [];
    const [, token = ''] = request.headers.authorization?.split(' ') ?? [];
    const right = tokens.get(token);
    if (right === undefined) return fail(401, 'Invalid Credentials', 'authError');
    const bucket = buckets.get(decodeURIComponent(name));
    if (bucket === undefined) {
      return fail(404, 'The specified bucket does not exist.', 'notFound');
    }
    if (key === undefined) {
      if (right !== 'list') return fail(403, DENIED, 'forbidden');
      return list(url, bucket, response);
    }
    const object = bucket.objects.get(decodeURIComponent(key));
    if (object === undefined) {
      return fail(404, `No such object: ${name}/${decodeURIComponent(key)}`, 'notFound');
    }
    const wanted = url.searchParams.get('ifGenerationMatch');
    if (wanted !== null && wanted !== generationOf(object)) {
      return fail(
        412,
        'At least one of the pre-conditions you specified did not hold.',
        'conditionNotMet',
      );
    }
    if (isMedia) response.end(object.content);
    else response.end(JSON.stringify(described(decodeURIComponent(key), object)));
  }

  const server: GcsServer = {
    ...listening,
    ...{ buckets, tokens, requests },
    createBucket(name, objects) {
      const bucket = fillBucket(objects);
      buckets.set(name, bucket);
      return bucket;
    },
  };
  return server;
}

function list({ searchParams: query }: URL, bucket: FilledBucket, response: ServerResponse): void {
  const { entries, next } = pageOf(bucket, {
    prefix: query.get('prefix') ?? '',
    token: query.get('pageToken') ?? '',
    size: Number(query.get('maxResults') ?? 1000),
  });
  const items = entries.map(([key, object]) => described(key, object));
  const page = {
    kind: 'storage#objects',
    ...(next === undefined ? {} : { nextPageToken: next }),
    ...(items.length === 0 ? {} : { items }),
  };
  response.setHeader('content-type', 'application/json').end(JSON.stringify(page));
}

function generationOf({ version }: StoredObject): string {
  return String(1_700_000_000_000_000 + version);
}

function described(key: string, object: StoredObject) {
  return {
    name: key,
    etag: Buffer.from(`etag ${object.version}`).toString('base64'),
    size: String(object.claims ?? object.content.length),
    generation: generationOf(object),
  };
}
