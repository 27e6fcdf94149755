// The registries of the recorded cases: doors to one real registry, each with its own way to let people in.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Front, startForwardProxy, startFront, startRegistry } from '@weir/cluster';
import { digestOf } from '@weir/oci';
import { pushArtifact, pushManifest, tarGz } from '@weir/oci/testing';
import type { ImageSetup } from './case.ts';

export interface Registries {
  /** The placeholders for hosts and the like. `$REG` and similar ones lack the prefix of a case. */
  standIns: Record<string, string>;
  /** Pushes images under a prefix. */
  push(prefix: string, images: Record<string, ImageSetup>): Promise<void>;
  /** The digest in this registry for one in a recording. */
  digestOf(recorded: string): Promise<string>;
  /** The requests that went through the proxy. */
  proxied(): string[];
}

const USER = `Basic ${Buffer.from('robot:s3cret').toString('base64')}`;

/** Starts all of them; they end with the stack. */
export async function startRegistries(stack: AsyncDisposableStack): Promise<Registries> {
  const own = <T extends { close(): Promise<void> }>(server: T): T =>
    stack.adopt(server, (it) => it.close());
  const registry = own(await startRegistry());
  const plain = own(await startFront(registry.url));
  plain.intercept(specialImages);
  const auth = own(await startFront(registry.url));
  auth.intercept(basicAuth);
  const token = own(await startFront(registry.url));
  token.intercept((request, response) => tokenAuth(token, request, response));
  const tls = own(await startFront(registry.url, { tls: true }));
  const other = own(await startFront(registry.url, { host: '127.0.0.2' }));
  const closed = await startFront(registry.url);
  await closed.close();
  const proxy = own(await startForwardProxy());
  const pushed = new Map<string, Promise<string>>();

  /** Any content will do, as long as each recorded digest has one of its own. */
  const layersOf = (recorded: string) => [
    { content: tarGz([{ path: 'a.txt', content: recorded }]) },
  ];
  const push = async (name: string, tag: string, recorded: string) =>
    (await pushArtifact(registry, name, { tag, layers: layersOf(recorded) })).digest;

  const digestIn = (recorded: string): Promise<string> => {
    const known =
      pushed.get(recorded) ??
      push('digests', digestOf(Buffer.from(recorded)).slice(7, 30), recorded);
    pushed.set(recorded, known);
    return known;
  };

  async function pushImage(name: string, setup: ImageSetup): Promise<void> {
    if (!isMany(setup)) {
      for (const [tag, digest] of Object.entries(setup)) await push(name, tag, digest);
      return;
    }
    const [prefix = ''] = setup.tags.split('{');
    await push(name, `${prefix}1`, setup.digest);
    const manifest = await fetch(`${registry.url}/v2/${name}/manifests/${prefix}1`, {
      headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
    });
    const bytes = Buffer.from(await manifest.arrayBuffer());
    for (let at = 2; at <= setup.count; at++) {
      await pushManifest(registry, name, bytes, `${prefix}${at}`);
    }
  }

  return {
    standIns: {
      HOST: plain.host,
      AUTHHOST: auth.host,
      TOKENHOST: token.host,
      TLSHOST: tls.host,
      OTHERHOST: `127.0.0.2:${other.port}`,
      CLOSED: closed.host,
      CA_CRT: tls.ca ?? '',
      PROXY: `http://127.0.0.1:${proxy.port}`,
    },
    async push(prefix, images) {
      for (const [name, setup] of Object.entries(images)) {
        await pushImage(`${prefix}/${name}`, setup);
      }
    },
    digestOf: digestIn,
    proxied: () => proxy.requests().map(({ target }) => target),
  };
}

function isMany(setup: ImageSetup): setup is { tags: string; count: number; digest: string } {
  return typeof (setup as { count?: unknown }).count === 'number';
}

/** Images that aren't in the registry, and how requests for them are answered. */
async function specialImages({ url = '' }: IncomingMessage, response: ServerResponse) {
  const name = /\/([a-z]+)\/tags\/list/.exec(url)?.[1];
  if (name === 'slow') await sleep(6_000);
  if (name === 'broken') response.writeHead(500).end();
  else if (name === 'denied')
    refuse(response, 403, 'DENIED', 'requested access to the resource is denied');
  else if (name === 'html')
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>');
  else return false;
  return true;
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}

function basicAuth({ headers }: IncomingMessage, response: ServerResponse): boolean {
  if (headers.authorization === USER) return false;
  response.setHeader('www-authenticate', 'Basic realm="test"');
  refuse(response, 401, 'UNAUTHORIZED', 'authentication required');
  return true;
}

/** The image `public` is for everybody. */
function tokenAuth({ host }: Front, request: IncomingMessage, response: ServerResponse): boolean {
  const url = new URL(request.url ?? '/', `http://${host}`);
  if (url.pathname === '/token') {
    const scope = url.searchParams.get('scope') ?? '';
    const isPublic = /\/public:/.test(scope) && request.headers.authorization === undefined;
    if (request.headers.authorization === USER || isPublic) {
      response.end(JSON.stringify({ token: Buffer.from(scope).toString('base64url') }));
    } else {
      response.writeHead(401).end('{"details":"incorrect username or password"}');
    }
    return true;
  }
  const name = /^\/v2\/(.+)\/(?:tags|manifests|blobs)\//.exec(url.pathname)?.[1] ?? '';
  const scope = `repository:${name}:pull`;
  const wanted = `Bearer ${Buffer.from(scope).toString('base64url')}`;
  if (request.headers.authorization === wanted) return false;
  const challenge = `Bearer realm="http://${host}/token",service="test",scope="${scope}"`;
  response.setHeader('www-authenticate', challenge);
  refuse(response, 401, 'UNAUTHORIZED', 'authentication required');
  return true;
}
