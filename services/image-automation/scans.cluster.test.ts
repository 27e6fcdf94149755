// How ImageRepositories handle registries that fail, are slow, or never finish, beyond the recorded cases.
import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ImagePolicy, ImageRepository } from '@weir/api';
import {
  REGISTRY_USER,
  startFront,
  startRegistry,
  startTagRegistry,
  type TagRegistry,
  until,
} from '@weir/cluster';
import { pushArtifact, tarGz } from '@weir/oci/testing';
import { type Harness, startHarness } from './testing/harness.ts';

const timeoutMs = 60_000;

describe('ImageRepositories', { concurrency: 4 }, () => {
  const stack = new AsyncDisposableStack();
  let harness: Harness;
  let server: TagRegistry;
  before(async () => {
    server = stack.adopt(await startTagRegistry(), (it) => it.close());
    harness = await startHarness({ 'image-max-tags': '50000' });
  });
  after(async () => {
    await harness?.close();
    await stack.disposeAsync();
  });

  let count = 0;
  /** A namespace with an ImageRepository of this image, and a policy over it. */
  async function apply(image: string, spec: object = {}, policy: object = {}) {
    const ref = { namespace: await harness.namespace(), name: 'app' };
    const repository = { image, interval: '1h', ...spec };
    await harness.apply<ImageRepository>(ImageRepository, ref, repository);
    await harness.apply<ImagePolicy>(ImagePolicy, ref, {
      ...{ imageRepositoryRef: { name: 'app' }, policy: { semver: { range: '*' } } },
      ...policy,
    });
    return ref;
  }

  const image = () => `image-${++count}`;

  test('a registry that is slow is waited for as long as the spec says', async () => {
    const name = image();
    server.answer(name, () => undefined);
    const ref = await apply(`${server.host}/${name}`, { timeout: '1s' });
    const late = /^scan failed: listing the tags of .*: context deadline exceeded$/;
    await harness.ready(ImageRepository, ref, 'False', late);
    server.answer(name, undefined);
    server.put(name, ['1.0.0']);
    await harness.ready(ImageRepository, ref, 'True');
    await harness.ready(ImagePolicy, ref, 'True', /resolved to 1\.0\.0/);
  });

  test('a registry that wants a pause gets it, and the tags from before stay', async () => {
    const name = image();
    server.put(name, ['1.0.0']);
    const ref = await apply(`${server.host}/${name}`);
    await harness.ready(ImagePolicy, ref, 'True');
    const asked: number[] = [];
    server.answer(name, (_, response) => {
      asked.push(performance.now());
      response.writeHead(429, { 'retry-after': '12', 'content-type': 'application/json' });
      response.end('{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}');
    });
    await harness.handled(ImageRepository, ref, await harness.request(ImageRepository, ref));
    const object = await harness.ready<ImageRepository>(
      ImageRepository,
      ref,
      'False',
      /^scan failed: GET http.*\?n=1000: TOOMANYREQUESTS: slow down$/,
    );
    equal(object.status?.lastScanResult?.tagCount, 1);
    const policy = await harness.read<ImagePolicy>(ImagePolicy, ref);
    equal(policy.status?.latestRef?.tag, '1.0.0');
    await until(() => asked.length > 1, { timeoutMs, message: 'another request' });
    const pauseMs = (asked[1] ?? 0) - (asked[0] ?? 0);
    ok(pauseMs > 11_000, `${pauseMs} ms`);
    server.answer(name, undefined);
    await harness.ready(ImageRepository, ref, 'True');
  });

  test('a list that comes back to a page, or never ends, is refused', async () => {
    const [circle, endless] = [image(), image()];
    server.answer(circle, (_, response) => {
      response.setHeader('link', `</v2/${circle}/tags/list?n=1000&last=a>; rel="next"`);
      response.end('{"tags":["a"]}');
    });
    let page = 0;
    server.answer(endless, (_, response) => {
      const from = ++page * 1_000;
      const tags = Array.from({ length: 1_000 }, (_, index) => `t${from + index}`);
      response.setHeader('link', `</v2/${endless}/tags/list?last=${from}>; rel="next"`);
      response.end(JSON.stringify({ tags }));
    });
    const [one, other] = [
      await apply(`${server.host}/${circle}`),
      await apply(`${server.host}/${endless}`),
    ];
    await harness.ready(ImageRepository, one, 'False', /comes back to a page that it had/);
    await harness.ready(ImageRepository, other, 'False', /has more than 50000 tags/);
    await harness.ready(ImagePolicy, other, 'False', /no tags in database/);
    server.answer(endless, undefined);
  });

  test('a registry that goes down keeps its tags, and is scanned again when it is back', async () => {
    const down = await startTagRegistry();
    down.put('app', ['1.0.0']);
    const { host, port } = down;
    const ref = await apply(`${host}/app`);
    await harness.ready(ImagePolicy, ref, 'True');
    await down.close();
    await harness.handled(ImageRepository, ref, await harness.request(ImageRepository, ref));
    const object = await harness.ready<ImageRepository>(
      ImageRepository,
      ref,
      'False',
      /^scan failed: .*connection refused/,
    );
    equal(object.status?.lastScanResult?.tagCount, 1);
    await harness.ready(ImagePolicy, ref, 'True', /resolved to 1\.0\.0/);
    const back = stack.adopt(await startTagRegistry({ port }), (it) => it.close());
    back.put('app', ['1.0.0', '1.1.0']);
    await harness.ready(ImagePolicy, ref, 'True', /resolved to 1\.1\.0/);
  });

  test('an answer that is none is told without its text', async () => {
    const name = image();
    server.answer(
      name,
      (_, response) => void response.writeHead(502).end('secret of another host'),
    );
    const ref = await apply(`${server.host}/${name}`);
    const object = await harness.ready<ImageRepository>(ImageRepository, ref, 'False');
    match(JSON.stringify(object.status), /scan failed: GET .*: unexpected status code 502/);
    ok(!JSON.stringify(object.status).includes('secret'));
  });

  test('a token that runs out between two pages is replaced', async () => {
    const registry = stack.adopt(await startRegistry({ auth: 'token' }), (it) => it.close());
    const front = stack.adopt(await startFront(registry.url), (it) => it.close());
    const { tokens } = registry;
    ok(tokens);
    const { username, password } = REGISTRY_USER;
    const login = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    const query = new URLSearchParams({
      ...{ scope: 'repository:org/app:pull,push', service: registry.host },
    });
    const answer = await fetch(`${tokens.realm}?${query}`, { headers: { authorization: login } });
    const { token } = (await answer.json()) as { token: string };
    const target = { url: registry.url, authorization: `Bearer ${token}` };
    for (const tag of ['1.0.0', '1.1.0', '1.2.0']) {
      const layers = [{ content: tarGz([{ path: 'a', content: 'a' }]) }];
      await pushArtifact(target, 'org/app', { tag, layers });
    }
    let refused = 0;
    // Pages have two tags. The first request for the second page comes after its token has expired.
    front.intercept((request, response) => {
      request.url = request.url?.replace('n=1000', 'n=2') ?? '';
      if (!request.url.includes('last=') || refused > 0) return false;
      refused += 1;
      const challenge = `Bearer realm="${tokens.realm}",service="${registry.host}",scope="repository:org/app:pull"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
      return true;
    });
    const namespace = await harness.namespace();
    const ref = { namespace, name: 'app' };
    await harness.login({ namespace, name: 'login' }, front.host, REGISTRY_USER);
    const before = tokens.requests().length;
    await harness.apply(ImageRepository, ref, {
      ...{ image: `${front.host}/org/app`, interval: '1h', secretRef: { name: 'login' } },
    });
    const found = await harness.ready<ImageRepository>(ImageRepository, ref, 'True');
    deepEqual(found.status?.lastScanResult?.latestTags, ['1.2.0', '1.1.0', '1.0.0']);
    equal(refused, 1);
    equal(tokens.requests().length - before, 2);
    // Nobody asks for /v2/ to find out what the first answer says anyway.
    deepEqual(
      front.requests().filter(({ path }) => path === '/v2/'),
      [],
    );
  });

  test('a failed scan is tried again, whatever the interval', async () => {
    const name = image();
    server.put(name, ['1.0.0']);
    const ref = await apply(`${server.host}/${name}`);
    await harness.ready(ImageRepository, ref, 'True');
    server.answer(name, (_, response) => void response.writeHead(403).end());
    await harness.handled(ImageRepository, ref, await harness.request(ImageRepository, ref));
    await harness.ready(ImageRepository, ref, 'False', /403 Forbidden/);
    server.answer(name, undefined);
    server.put(name, ['1.0.0', '1.1.0']);
    await harness.ready(ImagePolicy, ref, 'True', /resolved to 1\.1\.0/);
  });

  test('the interval scans, and objects alike are scanned once', async () => {
    const name = image();
    server.put(name, ['1.0.0']);
    const refs = [];
    for (let at = 0; at < 5; at++) {
      refs.push(await apply(`${server.host}/${name}`, { interval: '4s' }));
    }
    for (const ref of refs) await harness.ready(ImageRepository, ref, 'True');
    const asked = () => server.requests().filter((it) => it.includes(`/${name}/`)).length;
    const [before, begun] = [asked(), performance.now()];
    server.put(name, ['1.0.0', '2.0.0']);
    for (const ref of refs) await harness.ready(ImagePolicy, ref, 'True', /resolved to 2\.0\.0/);
    const intervals = Math.ceil((performance.now() - begun) / 4_000) + 1;
    // About twice an interval at most, as answers of half an interval are shared.
    ok(asked() - before <= 2 * intervals, `${asked() - before} in ${intervals} intervals`);
  });

  test('a scan that finds nothing new writes no status within a minute, unless it was asked for', async () => {
    const name = image();
    server.put(name, ['1.0.0']);
    const ref = await apply(`${server.host}/${name}`, { interval: '2s' });
    await harness.ready(ImagePolicy, ref, 'True');
    const first = await harness.ready<ImageRepository>(ImageRepository, ref, 'True');
    const asked = () => server.requests().filter((it) => it.includes(`/${name}/`)).length;
    const before = asked();
    await until(() => asked() >= before + 3, { timeoutMs, message: 'three intervals' });
    const then = await harness.read<ImageRepository>(ImageRepository, ref);
    equal(then.metadata.resourceVersion, first.metadata.resourceVersion);
    const token = await harness.request(ImageRepository, ref);
    const answered = await harness.handled<ImageRepository>(ImageRepository, ref, token);
    notEqual(
      answered.status?.lastScanResult?.scanTime,
      first.status?.lastScanResult?.scanTime,
      'the time of the last scan',
    );
  });
});
