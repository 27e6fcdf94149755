// Lists of tags, and of manifests that refer to a manifest.
import { deepEqual, equal, match, rejects } from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Front, type RegistryServer, startFront, startRegistry } from '@weir/cluster';
import { OciError } from './errors.ts';
import { MediaType } from './manifest.ts';
import type { PageValidator } from './tags.ts';
import { openLocal, soon } from './testing/clients.ts';
import { pushArtifact, pushManifest, tarGz } from './testing/index.ts';

const stack = new AsyncDisposableStack();
let registry: RegistryServer;
let front: Front;
const layers = [{ content: tarGz([{ path: 'a.yaml', content: 'a: 1\n' }]) }];

before(async () => {
  registry = stack.adopt(await startRegistry(), (it) => it.close());
  front = stack.adopt(await startFront(registry.url), (it) => it.close());
});
after(() => stack.disposeAsync());

async function pagesOf(pages: AsyncIterable<string[]>): Promise<string[][]> {
  const all: string[][] = [];
  for await (const page of pages) all.push(page);
  return all;
}

const refused = (reason: string, message: RegExp) => (error: unknown) => {
  match(String(error), message);
  return error instanceof OciError && error.reason === reason;
};

test('tags come page by page', async () => {
  const wanted = Array.from({ length: 7 }, (_, index) => `1.0.${index}`);
  for (const tag of wanted) await pushArtifact(registry, 'org/app', { tag, layers });
  front.clear();
  const pages: string[][] = [];
  const client = openLocal(front.host);
  for await (const page of client.tags('org/app', soon(), { pageSize: 3 })) pages.push(page);
  deepEqual(pages, [wanted.slice(0, 3), wanted.slice(3, 6), wanted.slice(6)]);
  equal(front.requests().length, 3);
  // Who has enough stops asking.
  front.clear();
  for await (const page of client.tags('org/app', soon(), { pageSize: 3 })) {
    if (page.length > 0) break;
  }
  equal(front.requests().length, 1);
  const few = client.tags('org/app', soon(), { maxTags: 5 });
  await rejects(pagesOf(few), refused('TooLarge', /more than 5 tags/));
  const none = client.tags('org/none', soon());
  await rejects(pagesOf(none), refused('NotFound', /NAME_UNKNOWN/));
});

test('a registry that knows ETags is asked whether a list changed', async () => {
  const client = openLocal(front.host);
  const body = (page: number) => JSON.stringify({ tags: [`1.${page}.0`] });
  let second = 'b';
  front.intercept(({ url = '', headers }, response) => {
    const isFirst = !url.includes('last=');
    const etag = `"${isFirst ? 'a' : second}"`;
    const isSame = headers['if-none-match'] === etag;
    const link = isFirst ? { link: '</v2/org/app/tags/list?last=x>; rel="next"' } : {};
    response.writeHead(isSame ? 304 : 200, { etag, ...link });
    response.end(isSame ? undefined : body(isFirst ? 1 : 2));
    return true;
  });
  const known: PageValidator[] = [];
  const onPage = (page: PageValidator | undefined) => void (page && known.push(page));
  deepEqual(await pagesOf(client.tags('org/app', soon(), { onPage })), [['1.1.0'], ['1.2.0']]);
  equal(known.length, 2);
  front.clear();
  equal(await client.tagsUnchanged('org/app', known, soon()), true);
  equal(front.requests().length, 2);
  second = 'c';
  equal(await client.tagsUnchanged('org/app', known, soon()), false);
  // This server sends an invalid ETag, or none.
  front.intercept(undefined);
  equal(await client.tagsUnchanged('org/app', known, soon()), false);
  const validators = async () => {
    const found: (PageValidator | undefined)[] = [];
    await pagesOf(client.tags('org/app', soon(), { onPage: (page) => void found.push(page) }));
    return found;
  };
  deepEqual(await validators(), [undefined]);
  front.intercept((_, response) => {
    response.writeHead(200, { etag: 'no-quotes' });
    response.end(body(1));
    return true;
  });
  deepEqual(await validators(), [undefined]);
  front.intercept(undefined);
});

test('a list that never ends, or goes on elsewhere, is refused', async () => {
  const list = async (link: string | (() => string), body: unknown = { tags: ['a'] }) => {
    front.intercept((_, response) => {
      response.writeHead(200, { link: typeof link === 'string' ? link : link() });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
      return true;
    });
    return pagesOf(openLocal(front.host).tags('org/app', soon(), { maxTags: 50 }));
  };
  const next = '</v2/org/app/tags/list?last=a>; rel="next"';
  await rejects(list(next), refused('InvalidResponse', /comes back to a page that it had/));
  let pages = 0;
  const another = () => `</v2/org/app/tags/list?last=${++pages}>; rel="next"`;
  await rejects(list(another), refused('TooLarge', /more than 5 pages/));
  await rejects(list(another, { tags: [] }), refused('TooLarge', /more than 5 pages/));
  const twelve = { tags: Array.from({ length: 12 }, (_, index) => `t${index}`) };
  await rejects(list(another, twelve), refused('TooLarge', /more than 50 tags/));
  for (const url of [
    `${registry.url}/v2/x`,
    'https://example.com/v2/x',
    '/admin',
    '/v2/../admin',
  ]) {
    await rejects(list(`<${url}>; rel="next"`), refused('Refused', /not at the registry/), url);
  }
  deepEqual(await list('', { tags: null }), [[]]);
  deepEqual(await list('', { tags: ['ok', '../x', 7, '', 'a'.repeat(200)] }), [['ok']]);
  await rejects(list('', '<html>'), refused('InvalidResponse', /no JSON/));
  await rejects(list('', { tags: 'x' }), refused('InvalidResponse', /no list/));
  await rejects(list('', ' '.repeat(9 * 1024 ** 2)), refused('TooLarge', /8388608 bytes/));
  front.intercept(undefined);
});

test('what refers to a manifest is found by its list, or by its tag', async () => {
  const client = openLocal(front.host);
  const subject = await pushArtifact(registry, 'signed/app', { tag: 'v1', layers });
  deepEqual(await client.referrers('signed/app', subject.digest, soon()), []);
  const artifactType = 'application/vnd.example.signature';
  const signature = await pushArtifact(registry, 'signed/app', { layers, subject, artifactType });
  const manifests = [
    { ...signature, artifactType },
    { ...signature, artifactType: 'other' },
  ];
  const index = { schemaVersion: 2, mediaType: MediaType.index, manifests };
  // This registry has no list of referrers: clients keep it under a tag.
  await pushManifest(registry, 'signed/app', index, subject.digest.replace(':', '-'));
  deepEqual(await client.referrers('signed/app', subject.digest, soon()), manifests);
  const found = await client.referrers('signed/app', subject.digest, soon(), artifactType);
  deepEqual(found, manifests.slice(0, 1));
  front.intercept((request, response) => {
    if (!request.url?.includes('/referrers/')) return false;
    response.writeHead(200).end(JSON.stringify({ ...index, manifests: manifests.slice(1) }));
    return true;
  });
  deepEqual(await client.referrers('signed/app', subject.digest, soon()), manifests.slice(1));
});
