// A container of Azure Blob Storage, by its documented API, because the vendor's package depends on a column store.
import { type ConnectionOptions, staysPrivate } from '@weir/net';
import type { Bucket } from '../bucket.ts';
import { connect } from '../connect.ts';
import { ObjectStoreError, quoted } from '../errors.ts';
import { boundedPages } from '../pages.ts';
import { contentOf, get, type StoreRequest, textOf } from '../request.ts';
import { failureOf } from './failure.ts';
import { pageOf, quotedTag } from './list.ts';
import { sharedKeySignature } from './sign.ts';

export type AzureCredentials =
  /** The base64 key of the account whose name the host begins with. */
  | { accountKey: string }
  /** A shared access signature: query parameters, with or without a leading question mark. */
  | { sas: string }
  /** Gives a token of Microsoft Entra for each request. */
  | { token: (signal: AbortSignal) => Promise<string> };

export interface ContainerOptions extends ConnectionOptions {
  /** URL of the account, such as `https://account.blob.core.windows.net`. Its query is part of each request. */
  endpoint: string;
  container: string;
  /** Without them only public containers can be read. */
  credentials?: AzureCredentials | undefined;
}

const VERSION = '2023-11-03';
const PAGE = 1000;
const CONTAINER = /^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$|^\$(root|web|logs)$/;
/** Hosts of Blob Storage in all of Azure's clouds: only Microsoft can answer there. */
const BLOB_HOST =
  /^[a-z0-9-]{1,63}(\.z\d{1,3})?\.(blob|dfs)\.(core\.windows\.net|core\.chinacloudapi\.cn|core\.usgovcloudapi\.net|storage\.azure\.net)$/;

/** Whether an endpoint is one of Azure itself. An identity's token must not be sent to others. */
export function isAzureBlobEndpoint(endpoint: string): boolean {
  const url = URL.parse(endpoint);
  return url?.protocol === 'https:' && url.port === '' && BLOB_HOST.test(url.hostname);
}

/** @throws ObjectStoreError InvalidConfiguration, InvalidBucketName */
export function openBlobContainer(options: ContainerOptions): Bucket {
  const { container, credentials } = options;
  const endpoint = endpointOf(options);
  if (!CONTAINER.test(container)) {
    const what = 'The specified container name has invalid characters, or is too short or too long';
    throw new ObjectStoreError('InvalidBucketName', what);
  }
  const sign = signer(endpoint, credentials);
  const query = queryOf(endpoint, credentials);
  const folder = `${endpoint.pathname.replace(/\/+$/, '')}/${container}`;
  const connections = connect(options);

  function request(
    path: string,
    parameters: Record<string, string>,
    own: Record<string, string>,
    signal: AbortSignal,
  ): StoreRequest {
    const all = new URLSearchParams([...Object.entries(parameters), ...query]);
    const target = all.size === 0 ? path : `${path}?${all}`;
    const headers = async () => {
      const sent = { ...own, 'x-ms-version': VERSION, 'x-ms-date': new Date().toUTCString() };
      return { ...sent, ...(await sign(target, sent, signal)) };
    };
    return { connections, origin: new URL(endpoint.origin), path: target, headers, signal };
  }

  return {
    list(prefix, { signal, limits }) {
      const ask = async (marker: string | undefined) => {
        const parameters = {
          ...{ restype: 'container', comp: 'list', maxresults: String(PAGE) },
          ...(prefix === '' ? {} : { prefix }),
          ...(marker === undefined ? {} : { marker }),
        };
        const answer = await get(request(folder, parameters, {}, signal));
        if (answer.statusCode !== 200) throw await failureOf(answer, signal);
        return pageOf(await textOf(answer, signal));
      };
      return boundedPages(ask, { prefix, limits, inCharacters: true });
    },
    async read(key, { signal, etag }) {
      // Slashes are encoded too, as in the vendor's own clients, so `..` in a key is not resolved.
      const path = `${folder}/${encoded(key)}`;
      const answer = await get(request(path, {}, etag ? { 'if-match': etag } : {}, signal));
      if (answer.statusCode !== 200) throw await failureOf(answer, signal);
      return contentOf(answer, quotedTag(answer.headers.etag ?? etag ?? ''), signal);
    },
    close: () => connections.close(),
  };
}

function endpointOf({ endpoint, credentials }: ContainerOptions): URL {
  const url = URL.parse(endpoint);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new ObjectStoreError(
      'InvalidConfiguration',
      `Endpoint: ${shown(endpoint)} is no URL such as https://account.blob.core.windows.net`,
    );
  }
  if (credentials !== undefined && 'token' in credentials && !staysPrivate(url)) {
    const what = 'authenticated requests are not permitted for non TLS protected (https) endpoints';
    throw new ObjectStoreError('InvalidConfiguration', what);
  }
  return url;
}

/** The endpoint without parts that may be a password or a signature. */
function shown(endpoint: string): string {
  return quoted(endpoint.replace(/\?.*/s, '').replace(/\/\/[^/]*@/, '//'));
}

/** Makes the header that authenticates a request. */
type Signer = (
  path: string,
  headers: Record<string, string>,
  signal: AbortSignal,
) => Promise<Record<string, string>>;

function signer({ hostname }: URL, credentials: AzureCredentials | undefined): Signer {
  if (credentials === undefined || 'sas' in credentials) return async () => ({});
  if ('token' in credentials) {
    return async (_path, _headers, signal) => ({
      authorization: `Bearer ${await credentials.token(signal)}`,
    });
  }
  const { accountKey: key } = credentials;
  const [account = '', ...domain] = hostname.split('.');
  if (domain.length < 2) {
    const what = `failed to extract account name from endpoint: expected '${hostname}' to be a subdomain`;
    throw new ObjectStoreError('InvalidConfiguration', what);
  }
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(key)) {
    throw new ObjectStoreError('InvalidConfiguration', 'the account key is no base64');
  }
  return async (path, headers) => ({
    authorization: sharedKeySignature(path, headers, { account, key }),
  });
}

/** The endpoint's own parameters, after those of the signature. */
function queryOf({ searchParams }: URL, credentials: AzureCredentials | undefined) {
  if (credentials === undefined || !('sas' in credentials)) return [...searchParams];
  const sas = new URLSearchParams(credentials.sas.replace(/^\?/, ''));
  return [...sas, ...[...searchParams].filter(([name]) => !sas.has(name))];
}

function encoded(key: string): string {
  return encodeURIComponent(key).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
