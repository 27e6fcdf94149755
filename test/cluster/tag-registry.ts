// A registry that answers with the lists of tags that a test wants: the real one takes long to get 100,000 tags. It keeps no
// images: of a pushed manifest it remembers the tag.
import { type Listening, type ListenOptions, listen } from './listen.ts';

export interface TagRegistry extends Listening {
  /** `127.0.0.1:<port>`. */
  host: string;
  /** What was asked for so far, such as `GET /v2/app/tags/list?n=1000`. */
  requests(): string[];
  clear(): void;
  /** The tags of an image, in pages of this many; 1,000 unless given. */
  put(name: string, tags: readonly string[], pageSize?: number): void;
  /** Answers requests for an image in another way from now on; undefined ends that. */
  answer(name: string, handle: Handler | undefined): void;
  /** Gives ETags, and answers 304 where they are asked with, from now on. */
  useETags(): void;
}

type Handler = Parameters<typeof listen>[0];

export interface TagRegistryOptions extends ListenOptions {
  /** Called after a manifest was pushed, with the image's name and the tag. */
  onPush?: (name: string, tag: string) => void;
}

const PAGE_SIZE = 1_000;

export async function startTagRegistry(options: TagRegistryOptions = {}): Promise<TagRegistry> {
  const images = new Map<string, { tags: readonly string[]; pageSize: number }>();
  const handlers = new Map<string, Handler>();
  const requests: string[] = [];
  let hasETags = false;

  /** `PUT /v2/<name>/manifests/<tag>`, by which a push ends. */
  function push(name: string, tag: string): void {
    const { tags = [], pageSize = PAGE_SIZE } = images.get(name) ?? {};
    images.set(name, { tags: [...new Set([...tags, tag])].sort(), pageSize });
    options.onPush?.(name, tag);
  }

  const server = await listen((request, response) => {
    const { method = '', url = '/', headers } = request;
    requests.push(`${method} ${url}`);
    if (url === '/v2/') return void response.end('{}');
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    const pushed = method === 'PUT' && /^\/v2\/(.+)\/manifests\/([\w.-]+)$/.exec(pathname);
    if (pushed) {
      request.resume();
      response.writeHead(201).end();
      return push(pushed[1] ?? '', pushed[2] ?? '');
    }
    const name = /^\/v2\/(.+)\/tags\/list$/.exec(pathname)?.[1] ?? '';
    const handler = handlers.get(name);
    if (handler !== undefined) return void handler(request, response);
    const image = images.get(name);
    if (image === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' });
      return void response.end(
        '{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry"}]}',
      );
    }
    const { tags, pageSize } = image;
    const from = Number(searchParams.get('from') ?? 0);
    const page = tags.slice(from, from + pageSize);
    const isLast = from + pageSize >= tags.length;
    const etag = `"${tags.length}-${from}-${page[0] ?? ''}"`;
    if (!isLast) {
      response.setHeader(
        'link',
        `</v2/${name}/tags/list?n=${pageSize}&from=${from + pageSize}>; rel="next"`,
      );
    }
    if (hasETags) response.setHeader('etag', etag);
    if (hasETags && headers['if-none-match'] === etag) return void response.writeHead(304).end();
    response.end(JSON.stringify({ name, tags: page }));
  }, options);
  return {
    ...server,
    host: `127.0.0.1:${server.port}`,
    requests: () => [...requests],
    clear() {
      requests.length = 0;
    },
    put: (name, tags, pageSize = PAGE_SIZE) => void images.set(name, { tags, pageSize }),
    answer(name, handle) {
      if (handle === undefined) handlers.delete(name);
      else handlers.set(name, handle);
    },
    useETags() {
      hasETags = true;
    },
  };
}
