// Azure Blob Storage as its documentation describes it, as far as lists and contents go: it checks signatures, and refuses
// what Azure refuses, with its codes.
import { createHmac } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Listening, type ListenOptions, listen } from '@weir/cluster';
import { type FilledBucket, fillBucket, pageOf, type Watched } from './objects.ts';

/** The key of the account; the account is the first part of the host's name, as always. */
export const ACCOUNT_KEY = Buffer.from('key of an account').toString('base64');

export interface BlobServer extends Listening, Watched {
  containers: Map<string, FilledBucket>;
  createContainer(name: string, objects?: Record<string, string>): FilledBucket;
  /** Tokens that are good here, and whether they may list, or read only. */
  tokens: Map<string, 'list' | 'read'>;
  /** A signature for reading and listing a container. */
  sas(container: string, options?: { permissions?: string; expiry?: Date }): string;
  /** Entries of lists that stand for folders, as with a hierarchical namespace. */
  folders: Set<string>;
}

type Failure = [status: number, code: string, message: string];

const SKEW_MS = 15 * 60_000;
const DENIED: Failure = [
  403,
  'AuthenticationFailed',
  'Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.',
];
const NOT_ALLOWED: Failure = [
  403,
  'AuthorizationPermissionMismatch',
  'This request is not authorized to perform this operation using this permission.',
];

export async function startBlobServer(options: ListenOptions = {}): Promise<BlobServer> {
  const containers: BlobServer['containers'] = new Map();
  const tokens: BlobServer['tokens'] = new Map();
  const folders = new Set<string>();
  const requests: string[] = [];
  const listening = await listen((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    requests.push(`${request.method} ${request.url}`);
    if (server.intercept?.(url, response)) return;
    const failure = answer(request, url, response);
    if (failure !== undefined) fail(response, failure);
  }, options);
  const account = new URL(listening.url).hostname.split('.')[0] ?? '';

  function answer(request: IncomingMessage, url: URL, response: ServerResponse) {
    const [, name = '', ...key] = (request.url ?? '').split('?')[0]?.split('/') ?? [];
    const isList = key.length === 0;
    const refusal = authorize(request, url, name, isList ? 'l' : 'r');
    if (refusal !== undefined) return refusal;
    const container = containers.get(name);
    if (container === undefined) {
      return [404, 'ContainerNotFound', 'The specified container does not exist.'] as Failure;
    }
    if (isList) return list(url, container, response);
    return read(decodeURIComponent(key.join('/')), request, container, response);
  }

  function authorize(request: IncomingMessage, url: URL, container: string, right: 'l' | 'r') {
    const { authorization = '', 'x-ms-date': date } = request.headers;
    if (url.searchParams.has('sig')) return checkSas(url, container, right);
    if (Math.abs(Date.now() - Date.parse(String(date))) > SKEW_MS) return DENIED;
    const [scheme, value = ''] = authorization.split(' ');
    if (scheme === 'Bearer') {
      if (!tokens.has(value)) {
        const message =
          'Server failed to authenticate the request. Please refer to the information in the www-authenticate header.';
        return [401, 'InvalidAuthenticationInfo', message] as Failure;
      }
      return right === 'l' && tokens.get(value) !== 'list' ? NOT_ALLOWED : undefined;
    }
    if (scheme === 'SharedKey') {
      return value === `${account}:${sharedKey(request, url)}` ? undefined : DENIED;
    }
    return [404, 'ResourceNotFound', 'The specified resource does not exist.'] as Failure;
  }

  /** "Authorize with Shared Key", for a GET request. */
  function sharedKey(request: IncomingMessage, url: URL): string {
    const { headers } = request;
    const own = Object.keys(headers)
      .filter((name) => name.startsWith('x-ms-'))
      .sort()
      .map((name) => `${name}:${headers[name]}\n`)
      .join('');
    const query = [...url.searchParams.keys()]
      .sort()
      .map((name) => `\n${name}:${url.searchParams.get(name)}`)
      .join('');
    const path = (request.url ?? '').split('?')[0];
    const text = `GET\n\n\n\n\n\n\n\n${headers['if-match'] ?? ''}\n\n\n\n${own}/${account}${path}${query}`;
    return sign(text);
  }

  function checkSas({ searchParams: query }: URL, container: string, right: 'l' | 'r') {
    const [permissions = '', expiry = ''] = [query.get('sp') ?? '', query.get('se') ?? ''];
    const isGood = query.get('sig') === sign(sasText(account, container, permissions, expiry));
    if (!isGood || Date.parse(expiry) < Date.now()) return DENIED;
    return permissions.includes(right) ? undefined : NOT_ALLOWED;
  }

  function list({ searchParams: query }: URL, container: FilledBucket, response: ServerResponse) {
    if (query.get('restype') !== 'container' || query.get('comp') !== 'list') {
      return [
        400,
        'InvalidQueryParameterValue',
        'Value for one of the query parameters is invalid.',
      ] as Failure;
    }
    const { entries, next = '' } = pageOf(container, {
      prefix: query.get('prefix') ?? '',
      token: query.get('marker') ?? '',
      size: Number(query.get('maxresults') ?? 5000),
    });
    const blobs = entries.map(([key, { version, content, claims }]) => {
      const kind = folders.has(key) ? '<ResourceType>directory</ResourceType>' : '';
      const properties = `<Etag>${etagOf(version)}</Etag><Content-Length>${claims ?? content.length}</Content-Length>${kind}`;
      return `<Blob>${nameOf(key)}<Properties><Last-Modified>now</Last-Modified>${properties}</Properties><OrMetadata /></Blob>`;
    });
    response
      .setHeader('content-type', 'application/xml')
      .end(
        `\uFEFF<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="${listening.url}/"><Blobs>${blobs.join('')}</Blobs><NextMarker>${next}</NextMarker></EnumerationResults>`,
      );
    return undefined;
  }

  function read(
    key: string,
    request: IncomingMessage,
    container: FilledBucket,
    response: ServerResponse,
  ) {
    const object = container.objects.get(key);
    if (object === undefined) {
      return [404, 'BlobNotFound', 'The specified blob does not exist.'] as Failure;
    }
    const etag = `"${etagOf(object.version)}"`;
    const wanted = request.headers['if-match'] ?? etag;
    if (wanted !== etag) {
      const message = 'The condition specified using HTTP conditional header(s) is not met.';
      return [412, 'ConditionNotMet', message] as Failure;
    }
    response.setHeader('etag', etag).end(object.content);
    return undefined;
  }

  const server: BlobServer = {
    ...listening,
    ...{ containers, tokens, folders, requests },
    createContainer(name, objects) {
      const container = fillBucket(objects);
      containers.set(name, container);
      return container;
    },
    sas(container, { permissions = 'rl', expiry = new Date(Date.now() + 3_600_000) } = {}) {
      const se = expiry.toISOString();
      const sig = sign(sasText(account, container, permissions, se));
      return `?${new URLSearchParams({ sv: '2023-11-03', sr: 'c', sp: permissions, se, sig })}`;
    },
  };
  return server;
}

/** The text that is signed for a container, without the fields that are empty here ("Create a service SAS"). */
function sasText(account: string, container: string, permissions: string, expiry: string): string {
  return `${permissions}\n\n${expiry}\n/blob/${account}/${container}\n2023-11-03\nc`;
}

function sign(text: string): string {
  return createHmac('sha256', Buffer.from(ACCOUNT_KEY, 'base64')).update(text).digest('base64');
}

function etagOf(version: number): string {
  return `0x8D${version.toString(16).toUpperCase().padStart(13, '0')}`;
}

function nameOf(key: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what XML can't hold.
  if (/[\0-\x08\x0b\x0c\x0e-\x1f]/.test(key)) {
    return `<Name Encoded="true">${encodeURIComponent(key)}</Name>`;
  }
  const text = key.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<Name>${text}</Name>`;
}

function fail(response: ServerResponse, [status, code, message]: Failure): void {
  const text = `${message}\nRequestId:11111111-0000\nTime:${new Date().toISOString()}`;
  response
    .writeHead(status, { 'x-ms-error-code': code, 'content-type': 'application/xml' })
    .end(
      `\uFEFF<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${text}</Message></Error>`,
    );
}
