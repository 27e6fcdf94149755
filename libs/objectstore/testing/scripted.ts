// A server that answers as a test says, for answers that no honest object store would give.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ScriptedServer {
  endpoint: string;
  requests: IncomingMessage[];
  close(): Promise<void>;
}

export type Script = (url: URL, response: ServerResponse, request: IncomingMessage) => void;

export async function startScripted(script: Script): Promise<ScriptedServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    script(new URL(request.url ?? '/', 'http://localhost'), response, request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `127.0.0.1:${port}`,
    requests,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

export interface ScriptedObject {
  key: string;
  etag?: string;
  size?: number | string;
}

/** A page of a list. If it has a token, the list continues. */
export function listPage(objects: readonly ScriptedObject[], token?: string): string {
  const contents = objects.map(
    ({ key, etag = '"e"', size = 1 }) =>
      `<Contents><Key>${encodeURIComponent(key)}</Key><ETag>${etag}</ETag><Size>${size}</Size></Contents>`,
  );
  const more = token === undefined ? '' : `<NextContinuationToken>${token}</NextContinuationToken>`;
  return `<?xml version="1.0"?><ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${token !== undefined}</IsTruncated>${more}${contents.join('')}</ListBucketResult>`;
}

export function errorAnswer(code: string, message: string): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
}
