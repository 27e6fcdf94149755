// Requests that are signed with the key of a storage account ("Authorize with Shared Key").
import { createHmac } from 'node:crypto';

export interface SharedKey {
  account: string;
  /** Base64. */
  key: string;
}

/** The headers of a request that are signed besides those of the protocol. */
const SIGNED = [
  ...['content-encoding', 'content-language', 'content-length', 'content-md5', 'content-type'],
  ...['date', 'if-modified-since', 'if-match', 'if-none-match', 'if-unmodified-since', 'range'],
];

/** The header `authorization` of a GET request. `path` is as it is sent, with its query; names of headers are in lower case. */
export function sharedKeySignature(
  path: string,
  headers: Readonly<Record<string, string>>,
  { account, key }: SharedKey,
): string {
  const protocol = Object.keys(headers).filter((name) => name.startsWith('x-ms-'));
  const text = [
    'GET',
    ...SIGNED.map((name) => headers[name] ?? ''),
    ...protocol.sort().map((name) => `${name}:${headers[name]}`),
    resourceOf(path, account),
  ].join('\n');
  const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64');
  return `SharedKey ${account}:${signature}`;
}

function resourceOf(path: string, account: string): string {
  const [resource = '', query = ''] = path.split(/\?(.*)/s);
  const names = [...new URLSearchParams(query)].map(([name, value]) => [name.toLowerCase(), value]);
  const parameters = Map.groupBy(names, ([name = '']) => name);
  const lines = [...parameters]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, values]) =>
        `${name}:${values
          .map(([, value]) => value)
          .sort()
          .join(',')}`,
    );
  return [`/${account}${resource}`, ...lines].join('\n');
}
