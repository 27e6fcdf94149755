import { timingSafeEqual } from 'node:crypto';
import { access, mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { serveCgi } from './cgi.ts';
import {
  type CommitOptions,
  commitFiles,
  type FileChange,
  git,
  gitEnvironment,
  initRepository,
} from './git-repository.ts';
import { type ListenOptions, listen } from './listen.ts';

/** The credentials that reading and writing a repository needs. */
export type GitServerAuth = { username: string; password: string } | { bearer: string };

/** A fault that all requests have from now on, until it is removed. */
export type GitServerFault = { delayMs: number } | { hang: true } | { status: number };

export interface GitServerRequest {
  method: string;
  /** The repository's name without `.git`. */
  repository: string;
  /** The part of the URL's path after the repository, such as `info/refs`. */
  path: string;
  /** `git-upload-pack` for reads, `git-receive-pack` for pushes. */
  service: string;
  /** What is asked for (gitprotocol-v2): `ls-refs` or `fetch`; undefined where the request doesn't say. */
  command?: string;
  status: number;
  /** Milliseconds since 1970. */
  at: number;
}

export interface GitServerRepository {
  name: string;
  /** The URL to clone from, `<server>/<name>.git`. */
  url: string;
  /** The bare repository's folder. */
  dir: string;
  /** Adds a commit (see `commitFiles`) and returns its SHA-1. */
  commit(files: Record<string, FileChange>, options?: CommitOptions): Promise<string>;
  /** Runs git in the bare repository and returns its output. */
  git(...args: string[]): Promise<string>;
  setAuth(auth: GitServerAuth | undefined): void;
  setFault(fault: GitServerFault | undefined): void;
  /** Answers pushes with 403 from now on, or no longer. */
  setReadOnly(readOnly: boolean): void;
  /** Runs before the server takes the next push that carries data; others may be first, for example. */
  beforeNextPush(run: () => Promise<unknown>): void;
}

export interface GitServer {
  url: string;
  port: number;
  /** PEM; only with the option `tls`. */
  ca?: string;
  createRepository(name: string, options?: { auth?: GitServerAuth }): Promise<GitServerRepository>;
  /** The requests so far, oldest first. */
  requests(): GitServerRequest[];
  clearRequests(): void;
  close(): Promise<void>;
}

export interface GitServerOptions extends ListenOptions {
  /** The folder for the repositories; by default a temporary one, which is removed when the server closes. */
  dir?: string;
  /** Called after a push has been answered, with the repository's name. */
  onPush?: (repository: string) => void;
}

interface Hosted {
  auth: GitServerAuth | undefined;
  fault: GitServerFault | undefined;
  readOnly: boolean;
  beforePush: (() => Promise<unknown>) | undefined;
}

// Like hosting services, the server lets clients fetch any commit by its hash, and make partial clones.
const SERVER_CONFIG = {
  'http.receivepack': 'true',
  'receive.advertisePushOptions': 'true',
  'uploadpack.allowAnySHA1InWant': 'true',
  'uploadpack.allowFilter': 'true',
};

/** Starts a smart-HTTP Git server (`git http-backend`) on 127.0.0.1; everyone may push unless a repository has `auth`. */
export async function startGitServer(options: GitServerOptions = {}): Promise<GitServer> {
  const root = options.dir ?? (await mkdtemp(join(tmpdir(), 'weir-git-')));
  await mkdir(root, { recursive: true });
  const backend = await findBackend();
  const hosted = new Map<string, Hosted>();
  const log: GitServerRequest[] = [];
  const env = {
    ...gitEnvironment(SERVER_CONFIG),
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const target = parseTarget(url);
    const repository = target && hosted.get(target.repository);
    if (!target || !repository) return end(response, 404, 'no such repository');
    const entry: GitServerRequest = {
      ...{ method: request.method ?? '', ...target },
      ...{ status: 0, at: Date.now() },
    };
    log.push(entry);
    response.on('close', () => {
      entry.status = response.headersSent ? response.statusCode : 0;
      const pushed = request.method === 'POST' && target.service === 'git-receive-pack';
      if (pushed && entry.status === 200) options.onPush?.(target.repository);
    });
    if (!(await passFault(repository.fault, response))) return;
    if (!isAllowed(repository.auth, request.headers.authorization)) return challenge(response);
    const isPush = target.service === 'git-receive-pack';
    if (isPush && repository.readOnly) return end(response, 403, 'read only');
    if (isPush && request.method === 'POST') {
      const { beforePush } = repository;
      repository.beforePush = undefined;
      await beforePush?.();
    }
    request.once('data', (start: Buffer) => {
      const [, command] = /^[0-9a-f]{4}command=([\w-]+)/.exec(start.toString('latin1')) ?? [];
      if (command !== undefined) entry.command = command;
    });
    const query = url.search.slice(1);
    const pathInfo = decodeURIComponent(url.pathname);
    await serveCgi({ command: backend, args: [], env, pathInfo, query }, request, response);
  };
  const server = await listen((request, response) => {
    handle(request, response).catch((error: unknown) => end(response, 500, String(error)));
  }, options);
  return {
    url: server.url,
    port: server.port,
    ...(server.ca === undefined ? {} : { ca: server.ca }),
    createRepository: async (name, { auth } = {}) => {
      const dir = join(root, `${name}.git`);
      const state: Hosted = { auth, fault: undefined, readOnly: false, beforePush: undefined };
      await initRepository(dir);
      hosted.set(name, state);
      return repositoryHandle(name, `${server.url}/${name}.git`, dir, state);
    },
    requests: () => [...log],
    clearRequests: () => {
      log.length = 0;
    },
    close: async () => {
      await server.close();
      if (options.dir === undefined) await rm(root, { recursive: true, force: true });
    },
  };
}

function repositoryHandle(
  name: string,
  url: string,
  dir: string,
  state: Hosted,
): GitServerRepository {
  return {
    name,
    url,
    dir,
    commit: (files, options) => commitFiles(dir, files, options),
    git: (...args) => git(dir, args),
    setAuth: (auth) => {
      state.auth = auth;
    },
    setFault: (fault) => {
      state.fault = fault;
    },
    setReadOnly: (readOnly) => {
      state.readOnly = readOnly;
    },
    beforeNextPush: (run) => {
      state.beforePush = run;
    },
  };
}

async function findBackend(): Promise<string> {
  const path = join(await git('/', ['--exec-path']), 'git-http-backend');
  await access(path).catch((cause: unknown) => {
    throw new Error(`${path} is missing: install the whole of git`, { cause });
  });
  return path;
}

function parseTarget(url: URL): { repository: string; path: string; service: string } | undefined {
  const match = /^\/(.+?)\.git\/(.+)$/.exec(decodeURIComponent(url.pathname));
  const [, repository, path] = match ?? [];
  if (repository === undefined || path === undefined) return undefined;
  return { repository, path, service: url.searchParams.get('service') ?? path };
}

/** Applies a fault to a request. Returns false when the request was answered by that. */
async function passFault(
  fault: GitServerFault | undefined,
  response: ServerResponse,
): Promise<boolean> {
  if (fault === undefined) return true;
  if ('hang' in fault) return false;
  if ('status' in fault) {
    end(response, fault.status, 'made to fail');
    return false;
  }
  await delay(fault.delayMs);
  return !response.destroyed;
}

function isAllowed(auth: GitServerAuth | undefined, header: string | undefined): boolean {
  if (auth === undefined) return true;
  const wanted =
    'bearer' in auth
      ? `Bearer ${auth.bearer}`
      : `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
  const given = Buffer.from(header ?? '');
  const expected = Buffer.from(wanted);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function challenge(response: ServerResponse): void {
  response.setHeader('www-authenticate', 'Basic realm="git"');
  end(response, 401, 'authentication required');
}

function end(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`${message}\n`);
}
