import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { type GitServer, type GitServerRepository, listen, startGitServer } from '@weir/cluster';
import { askRefs } from './ask-refs.ts';
import { findDestination } from './destination.ts';
import { packet } from './packets.ts';
import { listRemote } from './remote.ts';

const network = { allowLocal: true };
const timeoutMs = 20_000;

async function ask(url: string, refs: readonly string[], signal = AbortSignal.timeout(timeoutMs)) {
  const destination = await findDestination(url, network);
  return askRefs({ destination, refs, auth: undefined, network, signal });
}

describe('a server is asked without git', () => {
  let server: GitServer;
  let repo: GitServerRepository;
  before(async () => {
    server = await startGitServer();
    repo = await server.createRepository('repo');
    await repo.commit({ a: '1' });
    await repo.git('tag', 'v1', 'main');
    await repo.git('-c', 'user.name=a', '-c', 'user.email=a@b', 'tag', '-am', 'm', 'v1.1', 'main');
    await repo.git('branch', 'main-2', 'main');
  });
  after(() => server.close());

  const wanted = [
    ['refs/heads/main'],
    ['refs/tags/v1'],
    ['refs/tags/v1.1'],
    ['refs/tags/*'],
    ['HEAD'],
    ['refs/heads/none'],
    ['HEAD', 'refs/tags/v1.1', 'refs/heads/main-2'],
  ];
  for (const refs of wanted) {
    test(`for ${refs.join(' and ')}, and says what git says`, async () => {
      const path = process.env.PATH;
      process.env.PATH = '/nonexistent';
      try {
        const asked = await listRemote({ url: repo.url, refs, network, timeoutMs });
        const all = await repo.git('ls-remote', repo.dir).catch(() => '');
        assert.equal(all, '', 'git can not be started');
        process.env.PATH = path;
        const pattern = /^refs\/tags\/[^^]*/;
        const isWanted = (name: string) =>
          refs.includes(name.replace('^{}', '')) ||
          (refs[0] === 'refs/tags/*' && pattern.test(name));
        const known = await listRemote({ url: repo.url, network, timeoutMs });
        assert.deepEqual([...asked].sort(), [...known].filter(([name]) => isWanted(name)).sort());
      } finally {
        process.env.PATH = path;
      }
    });
  }

  test('with two requests the first time, and then with one', async () => {
    const { url } = await server.createRepository('twice');
    const hello = ['info/refs', undefined];
    const question = ['git-upload-pack', 'ls-refs'];
    for (const expected of [[hello, question], [question], [question]]) {
      server.clearRequests();
      await listRemote({ url, refs: ['refs/heads/main'], network, timeoutMs });
      const requests = server.requests().map(({ path, command }) => [path, command]);
      assert.deepEqual(requests, expected);
    }
  });

  test('anew from the beginning when it no longer answers as before', async () => {
    const changed = await server.createRepository('changed');
    const list = () => listRemote({ url: changed.url, refs: ['HEAD'], network, timeoutMs });
    await list();
    changed.setFault({ status: 503 });
    server.clearRequests();
    await assert.rejects(list());
    const paths = server.requests().map(({ path }) => path);
    assert.deepEqual(paths.slice(0, 2), ['git-upload-pack', 'info/refs']);
    changed.setFault(undefined);
    const commit = await changed.commit({ a: '1' });
    assert.equal((await list()).get('HEAD'), commit);
  });

  test('whose objects have longer names', async () => {
    const longer = await server.createRepository('longer');
    await rm(longer.dir, { recursive: true });
    await mkdir(longer.dir);
    await longer.git('init', '--quiet', '--bare', '--object-format=sha256', longer.dir);
    await longer.git('config', 'http.receivepack', 'true');
    const commit = await longer.commit({ a: '1' });
    assert.equal(commit.length, 64);
    const refs = ['refs/heads/main'];
    const asked = await ask(longer.url, refs);
    assert.deepEqual(asked, { output: `${commit}\trefs/heads/main\n` });
  });
});

describe('git is asked where a server', () => {
  const advertisement = 'application/x-git-upload-pack-advertisement';
  const result = 'application/x-git-upload-pack-result';
  const id = 'a'.repeat(40);
  const hello = `${packet('version 2')}${packet('ls-refs=unborn')}${packet('fetch')}0000`;

  async function askScripted(script: (isFirst: boolean, response: ServerResponse) => void) {
    const server = await listen((request, response) => script(request.method === 'GET', response));
    try {
      return await ask(`http://127.0.0.1:${server.port}/repo.git`, ['refs/heads/main']);
    } finally {
      await server.close();
    }
  }
  const answers = (first: string, second: string, types = [advertisement, result]) =>
    askScripted((isFirst, response) => {
      response.setHeader('content-type', types[isFirst ? 0 : 1] ?? '');
      response.end(isFirst ? first : second);
    });

  test('answers as this one does, it is not', async () => {
    const line = packet(`${id} refs/heads/main`);
    const asked = { output: `${id}\trefs/heads/main\n` };
    assert.deepEqual(await answers(hello, `${line}0000`), asked);
    const service = `${packet('# service=git-upload-pack')}0000`;
    assert.deepEqual(await answers(`${service}${hello}`, `${line}0000`), asked);
    const others = packet(`${id} refs/heads/main-2`);
    assert.deepEqual(await answers(hello, `${others}${line}0000`), asked);
  });

  const cases: [string, string, string][] = [
    ['speaks another version', `${packet(`${id} HEAD\0caps`)}0000`, ''],
    ['says nothing', '', ''],
    ['lists no references', `${packet('version 2')}${packet('fetch')}0000`, ''],
    [
      'has objects of another kind',
      hello.replace('0000', `${packet('object-format=md5')}0000`),
      '',
    ],
    ['sends no lines', 'garbage', ''],
    ['sends a line that is longer than it is', 'ffff', ''],
    ['sends a list without an end', hello, packet(`${id} refs/heads/main`)],
    ['sends a list that breaks off', hello, packet(`${id} refs/heads/main`).slice(0, -9)],
    ['sends no names of objects', hello, `${packet('abc refs/heads/main')}0000`],
    ['sends two names in a line', hello, `${packet(`${id} refs/heads/main\n${id} HEAD`)}0000`],
    ['sends an error', hello, `${packet('ERR the secret of the inner service')}0000`],
    ['sends a megabyte', hello, `${packet(`${id} refs/heads/mainx`).repeat(20_000)}0000`],
  ];
  for (const [what, first, second] of cases) {
    test(what, async () => assert.equal(await answers(first, second), undefined));
  }

  test('says that it is something else', async () => {
    const line = `${packet(`${id} refs/heads/main`)}0000`;
    assert.equal(await answers(hello, line, ['text/plain', result]), undefined);
    assert.equal(await answers(hello, line, [advertisement, 'text/html']), undefined);
  });

  test('breaks the connection', async () => {
    assert.equal(await askScripted((_, response) => response.destroy()), undefined);
    const half = (isFirst: boolean, response: ServerResponse) => {
      response.writeHead(200, { 'content-type': isFirst ? advertisement : result });
      if (isFirst) response.end(hello);
      else response.write('00', () => response.destroy());
    };
    assert.equal(await askScripted(half), undefined);
  });
});

test('who refuses is understood without git, and what it says is not read', async () => {
  for (const status of [301, 401, 403, 404]) {
    const server = await listen((_, response) => response.writeHead(status).end('inner secret'));
    const asked = await ask(`http://127.0.0.1:${server.port}/repo.git`, ['HEAD']);
    await server.close();
    assert.deepEqual(asked, { status });
  }
});

test('a server that hangs is left when the time is up', async () => {
  const server = await listen(() => undefined);
  const startedAt = performance.now();
  await assert.rejects(
    ask(`http://127.0.0.1:${server.port}/repo.git`, ['HEAD'], AbortSignal.timeout(200)),
  );
  await server.close();
  assert.ok(performance.now() - startedAt < 5_000);
});
