// A repository of Helm charts over HTTP: files by path, with the validators that web servers give.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Listening, type ListenOptions, listen } from './listen.ts';

export interface ChartRepositoryRequest {
  path: string;
  authorization: string | undefined;
  status: number;
}

export interface ChartRepository extends Listening {
  /** `127.0.0.1:<port>`. */
  host: string;
  /** Serves a file; the path begins with a slash. */
  put(path: string, content: string | Buffer): void;
  /** Asks for these credentials for all paths that begin with `prefix`. */
  protect(prefix: string, login: { username: string; password: string }): void;
  /** Answers with a status for all paths that begin with `prefix`, 200 to serve files again, or redirects to a URL. */
  answer(prefix: string, answer: number | { redirect: string }): void;
  /** All requests so far, oldest first. */
  requests(): ChartRepositoryRequest[];
}

export async function startChartRepository(options: ListenOptions = {}): Promise<ChartRepository> {
  const files = new Map<string, Buffer>();
  const logins = new Map<string, string>();
  const answers = new Map<string, number | { redirect: string }>();
  const requests: ChartRepositoryRequest[] = [];
  const under = <T>(rules: ReadonlyMap<string, T>, path: string) =>
    [...rules].find(([prefix]) => path.startsWith(prefix))?.[1];

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent((request.url ?? '').replace(/\?.*$/, ''));
    const { authorization } = request.headers;
    const status = respond(path, request, response);
    requests.push({ path, authorization, status });
  }

  function respond(path: string, request: IncomingMessage, response: ServerResponse): number {
    const end = (status: number, content?: Buffer) => {
      response.writeHead(status).end(content);
      return status;
    };
    const answer = under(answers, path) ?? 200;
    if (typeof answer !== 'number') {
      response.setHeader('location', answer.redirect);
      return end(302);
    }
    if (answer !== 200) return end(answer);
    const login = under(logins, path);
    if (login !== undefined && request.headers.authorization !== login) return end(401);
    const content = files.get(path);
    if (content === undefined) return end(404);
    const etag = `"${createHash('sha256').update(content).digest('hex').slice(0, 32)}"`;
    response.setHeader('etag', etag);
    return request.headers['if-none-match'] === etag ? end(304) : end(200, content);
  }

  const server = await listen(handle, options);
  return {
    ...server,
    host: `127.0.0.1:${server.port}`,
    put: (path, content) => files.set(path, Buffer.from(content)),
    protect(prefix, { username, password }) {
      const basic = Buffer.from(`${username}:${password}`).toString('base64');
      logins.set(prefix, `Basic ${basic}`);
    },
    answer: (prefix, answer) => answers.set(prefix, answer),
    requests: () => [...requests],
  };
}
