// How a client says who it is, against distribution's registry.
import { deepEqual, equal, match, rejects } from 'node:assert/strict';
import { after, test } from 'node:test';
import { REGISTRY_USER, startFront, startRegistry } from '@weir/cluster';
import { OciError, type OciReason } from './errors.ts';
import { basic, openLocal, soon, wholeBlob } from './testing/clients.ts';
import { pushArtifact, tarGz } from './testing/index.ts';

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const start = async (...options: Parameters<typeof startRegistry>) =>
  stack.adopt(await startRegistry(...options), (it) => it.close());

const layers = [{ content: tarGz([{ path: 'a.yaml', content: 'a: 1\n' }]) }];
const wrong = { username: 'reader', password: 'wrong' };

function failure(reason: OciReason, message = /./) {
  return (error: unknown) => {
    match(String(error), message);
    equal((error as OciError).reason, reason, String(error));
    return error instanceof OciError;
  };
}

test('basic authentication, asked for before it is given', async () => {
  const registry = await start({ auth: 'basic' });
  const target = { url: registry.url, authorization: basic(REGISTRY_USER) };
  const { digest } = await pushArtifact(target, 'org/app', { tag: 'v1', layers });
  const front = stack.adopt(await startFront(registry.url), (it) => it.close());
  const client = openLocal(front.host, { credentials: REGISTRY_USER });
  equal(await client.resolve('org/app', 'v1', soon()), digest);
  deepEqual(
    front.requests().map(({ authorization }) => authorization),
    [undefined, target.authorization],
  );
  await client.resolve('org/app', 'v1', soon());
  equal(front.requests().length, 3, 'what the registry wants is asked for once');
  const denied =
    /^OciError: GET http:\/\/127\.0\.0\.1:\d+\/v2\/org\/app\/manifests\/v1: UNAUTHORIZED: authentication required; \[map\[Action:pull Class: Name:org\/app Type:repository\]\]$/;
  for (const credentials of [wrong, undefined]) {
    const other = openLocal(registry.host, { credentials });
    await rejects(other.resolve('org/app', 'v1', soon()), failure('Unauthorized', denied));
  }
});

test('tokens for a name and a password, a refresh token, and nobody', async () => {
  const registry = await start({ auth: 'token' });
  const { tokens } = registry;
  if (tokens === undefined) throw new Error('the registry has no token server');
  const scope = 'repository:org/app:pull,push';
  const answer = await fetch(`${tokens.realm}?${new URLSearchParams({ scope })}`, {
    headers: { authorization: basic(REGISTRY_USER) },
  });
  const { token } = (await answer.json()) as { token: string };
  const target = { url: registry.url, authorization: `Bearer ${token}` };
  const { digest } = await pushArtifact(target, 'org/app', { tag: 'v1', layers });

  const identity = { identityToken: tokens.identityToken };
  for (const credentials of [REGISTRY_USER, identity, { registryToken: token }]) {
    const client = openLocal(registry.host, { credentials });
    const { manifest } = await client.manifest('org/app', digest, soon());
    if (manifest.kind !== 'image' || !manifest.layers[0]) throw new Error('no layer');
    const blob = await wholeBlob(client.blob('org/app', manifest.layers[0], soon()));
    deepEqual(blob, layers[0]?.content);
  }
  const asked = tokens.requests().slice(1);
  deepEqual(
    asked.map(({ method, scope, user }) => [method, scope, user]),
    [
      ['GET', 'repository:org/app:pull', 'reader'],
      ['POST', 'repository:org/app:pull', 'reader'],
    ],
    'a token is used for all requests of its scope',
  );
  tokens.setPost(false);
  const byGet = openLocal(registry.host, { credentials: identity });
  equal(await byGet.resolve('org/app', 'v1', soon()), digest);

  const anonymous = openLocal(registry.host);
  await rejects(anonymous.resolve('org/app', 'v1', soon()), failure('Unauthorized'));
  const bad = openLocal(registry.host, { credentials: wrong });
  await rejects(
    bad.resolve('org/app', 'v1', soon()),
    failure('Unauthorized', /GET http:\/\/localhost:\d+\/token: unexpected status code 401/),
  );
});

test('a token that is refused midway is replaced once', async () => {
  const registry = await start({ auth: 'token' });
  const target = { url: registry.url, authorization: '' };
  const { tokens } = registry;
  const scope = 'repository:a/public/b:pull,push';
  const answer = await fetch(`${tokens?.realm}?${new URLSearchParams({ scope })}`, {
    headers: { authorization: basic(REGISTRY_USER) },
  });
  target.authorization = `Bearer ${((await answer.json()) as { token: string }).token}`;
  const { digest } = await pushArtifact(target, 'a/public/b', { tag: 'v1', layers });
  const front = stack.adopt(await startFront(registry.url), (it) => it.close());
  const client = openLocal(front.host);
  equal(await client.resolve('a/public/b', 'v1', soon()), digest);
  const before = tokens?.requests().length ?? 0;
  // The registry says that every token it has seen before has expired.
  const seen = new Set<string>();
  front.intercept((request, response) => {
    const { authorization = '' } = request.headers;
    if (seen.size > 0 && !seen.has(authorization)) return false;
    seen.add(authorization);
    const challenge = `Bearer realm="${tokens?.realm}",service="${registry.host}",error="invalid_token"`;
    response.writeHead(401, { 'www-authenticate': challenge }).end();
    return true;
  });
  equal(await client.resolve('a/public/b', 'v1', soon()), digest);
  equal((tokens?.requests().length ?? 0) - before, 1);
  // Refused for ever: that ends.
  front.intercept((_, response) => {
    const challenge = `Bearer realm="${tokens?.realm}",service="${registry.host}"`;
    response.writeHead(401, { 'www-authenticate': challenge }).end();
    return true;
  });
  await rejects(client.resolve('a/public/b', 'v1', soon()), failure('Unauthorized'));
});

test('a token server at a private address is not asked', async () => {
  const registry = await start({ auth: 'token', tokenHost: '127.0.0.1' });
  const client = openLocal(registry.host, { credentials: REGISTRY_USER });
  await rejects(
    client.resolve('org/app', 'v1', soon()),
    failure('Refused', /invalid realm in www-authenticate: realm host "127\.0\.0\.1" is a private/),
  );
  deepEqual(registry.tokens?.requests(), []);
});

test('TLS by an authority of its own, with a client certificate, or unchecked', async () => {
  const registry = await start({ tls: 'mutual' });
  const { ca, client: pair } = registry;
  const own = { ca, certificate: pair?.certificate, key: pair?.key };
  const notFound = failure('NotFound', /MANIFEST_UNKNOWN|NAME_UNKNOWN/);
  await rejects(openLocal(registry.host, { tls: own }).resolve('a', 'v1', soon()), notFound);
  // Without its certificate, and without the authority, at an address that must have TLS and at one that needn't.
  for (const host of [registry.host, `127.0.0.2:${registry.port}`]) {
    for (const tls of [{ ca }, undefined]) {
      const client = openLocal(host, { tls });
      await rejects(client.resolve('a', 'v1', soon()), (error: unknown) => {
        return error instanceof OciError && ['Untrusted', 'Unreachable'].includes(error.reason);
      });
    }
  }

  const open = await start({ tls: true });
  const unknown = /certificate signed by unknown authority/;
  await rejects(
    openLocal(open.host, { tls: { ca: open.ca } }).resolve('a', 'v1', soon()),
    notFound,
  );
  await rejects(openLocal(open.host, { insecure: true }).resolve('a', 'v1', soon()), notFound);
  // An authority that is given counts, also for a registry that may do without TLS.
  const other = openLocal(open.host, { insecure: true, tls: { ca: registry.ca } });
  await rejects(other.resolve('a', 'v1', soon()), failure('Untrusted', unknown));
});
