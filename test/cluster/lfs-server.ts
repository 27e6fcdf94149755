// A Git LFS server in front of a Git server, by the documentation of git-lfs (docs/api/batch.md, basic-transfers.md): it takes
// downloads only, and holds what a test gives it.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Front, startFront } from './front.ts';
import { type Listening, listen } from './listen.ts';

export interface LfsServer extends Front {
  /** Holds a content. @returns its pointer, as it is committed */
  put(content: string | Buffer): string;
  /** Asks for this Authorization header, for the batch API and for contents that it serves itself. */
  protect(authorization: string): void;
  /** Serves contents from another host, as hosting services do from their object stores. */
  storeElsewhere(headers?: Record<string, string>): void;
  /** What requests for contents had as headers, oldest first. */
  downloads(): { host: string; authorization: string | undefined; headers: string[] }[];
  /** Changes the answer of the batch API before it is sent. */
  answerWith(change: ((answer: BatchAnswer) => unknown) | undefined): void;
  /** Answers a request for a content in place of it. */
  serveWith(serve: ((oid: string, response: ServerResponse) => boolean) | undefined): void;
}

export interface BatchAnswer {
  transfer?: string;
  objects: {
    oid: string;
    size: number;
    actions?: { download: { href: string; header?: Record<string, string> } };
    error?: { code: number; message: string };
  }[];
}

const MEDIA_TYPE = 'application/vnd.git-lfs+json';

/** @param target URL of the Git server */
export async function startLfsServer(target: string): Promise<LfsServer> {
  const contents = new Map<string, Buffer>();
  const downloads: ReturnType<LfsServer['downloads']> = [];
  let wanted: string | undefined;
  let elsewhere: Record<string, string> | undefined;
  let change: ((answer: BatchAnswer) => unknown) | undefined;
  let serve: ((oid: string, response: ServerResponse) => boolean) | undefined;

  function serveContent(request: IncomingMessage, response: ServerResponse): void {
    const oid = (request.url ?? '').replace(/^.*\/|\?.*$/g, '');
    const { host = '', authorization } = request.headers;
    downloads.push({ host, authorization, headers: Object.keys(request.headers) });
    if (serve?.(oid, response)) return;
    const content = contents.get(oid);
    response.writeHead(content === undefined ? 404 : 200).end(content);
  }

  const store: Listening = await listen(serveContent);
  const front = await startFront(target);

  function isAllowed(request: IncomingMessage, response: ServerResponse): boolean {
    if (wanted === undefined || request.headers.authorization === wanted) return true;
    response.writeHead(401, { 'lfs-authenticate': 'Basic realm="Git LFS"' }).end();
    return false;
  }

  async function answerBatch(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { accept, 'content-type': type } = request.headers;
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const question = JSON.parse(Buffer.concat(chunks).toString()) as {
      operation: string;
      objects: { oid: string; size: number }[];
    };
    const isValid = accept === MEDIA_TYPE && type === MEDIA_TYPE && request.method === 'POST';
    if (!isValid || question.operation !== 'download' || question.objects.length > 100) {
      response.writeHead(422).end(JSON.stringify({ message: 'not as documented' }));
      return;
    }
    const answer: BatchAnswer = {
      transfer: 'basic',
      objects: question.objects.map(({ oid, size }) => {
        if (!contents.has(oid)) return { oid, size, error: { code: 404, message: 'none' } };
        const host = elsewhere === undefined ? front.url : store.url;
        const download = { href: `${host}/lfs-contents/${oid}?token=t`, header: elsewhere ?? {} };
        return { oid, size, actions: { download } };
      }),
    };
    response.writeHead(200, { 'content-type': MEDIA_TYPE });
    response.end(JSON.stringify(change?.(answer) ?? answer));
  }

  front.intercept(async (request, response) => {
    const path = (request.url ?? '').replace(/\?.*$/, '');
    const isBatch = /^\/.+\.git\/info\/lfs\/objects\/batch$/.test(path);
    if (!isBatch && !path.startsWith('/lfs-contents/')) return false;
    if (!isAllowed(request, response)) return true;
    if (isBatch) await answerBatch(request, response);
    else serveContent(request, response);
    return true;
  });

  return {
    ...front,
    put(content) {
      const bytes = Buffer.from(content);
      const oid = createHash('sha256').update(bytes).digest('hex');
      contents.set(oid, bytes);
      return `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${bytes.length}\n`;
    },
    protect(authorization) {
      wanted = authorization;
    },
    storeElsewhere(headers = {}) {
      elsewhere = headers;
    },
    downloads: () => [...downloads],
    answerWith(with_) {
      change = with_;
    },
    serveWith(with_) {
      serve = with_;
    },
    async close() {
      await front.close();
      await store.close();
    },
  };
}
