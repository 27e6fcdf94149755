// Which contents of a TUF repository are trusted, and which aren't.
import { deepEqual, equal, match, rejects } from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createLogger } from '@weir/telemetry';
import { SigstoreError } from './errors.ts';
import { startTufRepository, type TufRepository } from './testing/index.ts';
import { createTrustedRoot, type TrustedRoot } from './trusted-root.ts';

const FILE = 'trusted_root.json';
const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
const log = createLogger({ service: 'test', level: 'silent' });

describe('the trusted root of a TUF repository', () => {
  let repository: TufRepository;
  let dir: string;
  let passedMs: number;
  beforeEach(async () => {
    repository = await startTufRepository();
    dir = await mkdtemp(join(tmpdir(), 'sigstore-'));
    passedMs = 0;
    repository.publish(FILE, '{"root":1}');
  });
  afterEach(async () => {
    await repository.close();
    await rm(dir, { recursive: true, force: true });
  });

  const open = (options: { signal?: AbortSignal; url?: string; root?: string } = {}): TrustedRoot =>
    createTrustedRoot({
      ...{ url: repository.url, root: repository.rootFile, dir: join(dir, 'kept'), log },
      ...{ signal: new AbortController().signal, environment: {}, ...options },
      now: () => Date.now() + passedMs,
    });
  const failure = (message: RegExp) => (error: unknown) => {
    equal(error instanceof SigstoreError && error.reason, 'Unavailable');
    match(String(error), message);
    return true;
  };

  test('nobody is asked before the root is wanted, and then once a day', async () => {
    const trusted = open();
    deepEqual(repository.requests(), []);
    const read = await Promise.all([trusted.read(), trusted.read()]);
    deepEqual(read, ['{"root":1}', '{"root":1}']);
    const first = repository.requests().length;
    passedMs = 23 * HOUR_MS;
    repository.publish(FILE, '{"root":2}');
    equal(await trusted.read(), '{"root":1}');
    equal(repository.requests().length, first);
    passedMs = DAY_MS + 1_000;
    equal(await trusted.read(), '{"root":2}');
  });

  test('another process goes on with what is on the disk', async () => {
    await open().read();
    const asked = repository.requests().length;
    equal(await open().read(), '{"root":1}');
    equal(repository.requests().length, asked);
  });

  test('the root to begin with may be given as a text', async () => {
    equal(await open({ root: repository.pinned }).read(), '{"root":1}');
    const none = { root: '/nowhere/root.json' };
    await rejects(open(none).read(), /--sigstore-tuf-root: ENOENT/);
  });

  test('what is changed or cut off on the disk is fetched again', async () => {
    await open().read();
    for (const name of ['root.json', 'timestamp.json', `targets/${FILE}`]) {
      const [folder = ''] = await readdir(join(dir, 'kept'));
      const path = join(dir, 'kept', folder, name);
      await writeFile(path, (await readFile(path, 'utf8')).slice(0, 9));
      equal(await open().read(), '{"root":1}', name);
    }
  });

  test('new roots are followed as long as those before signed them', async () => {
    repository.rotate();
    repository.rotate();
    equal(await open().read(), '{"root":1}');
    repository.forge();
    passedMs = 2 * DAY_MS;
    // The forged files are refused, and the verified ones still count.
    equal(await open().read(), '{"root":1}');
    await rm(join(dir, 'kept'), { recursive: true });
    await rejects(
      open().read(),
      failure(/^SigstoreError: unable to initialize trusted root: http/),
    );
  });

  test('a root that nobody before signed is refused', async () => {
    const other = await startTufRepository();
    try {
      repository.put('/2.root.json', other.pinned.replace('"version":1', '"version":2'));
      await rejects(open().read(), failure(/unable to initialize trusted root: .*root/));
    } finally {
      await other.close();
    }
  });

  test('a file with other bytes than the metadata says is refused', async () => {
    await open().read();
    const path = repository.requests().find((it) => it.startsWith('/targets/')) ?? '';
    repository.put(path, '{"root":9}');
    await rm(join(dir, 'kept'), { recursive: true });
    await rejects(open().read(), failure(/Expected hash/));
    repository.put(path, `{"root":1}${' '.repeat(1_000)}`);
    await rejects(open().read(), failure(/more than 10 bytes/));
  });

  test('endless metadata and a huge file are cut off', async () => {
    repository.put('/timestamp.json', Buffer.alloc(100_000, 0x20));
    await rejects(open().read(), failure(/timestamp\.json: the answer has more than 16384 bytes$/));
    repository.publish(FILE, ' '.repeat(2 * 1024 ** 2));
    await rejects(open().read(), failure(/has 2097152 bytes, of 1048576 at most$/));
  });

  test('while the repository is out of reach, the root of before counts until it is too old', async () => {
    repository.publish(FILE, '{"root":1}', new Date(Date.now() + HOUR_MS));
    const trusted = open();
    await trusted.read();
    repository.answer(503);
    passedMs = 2 * DAY_MS;
    equal(await trusted.read(), '{"root":1}');
    await trusted.read();
    const asked = repository.requests().length;
    passedMs += 60_000;
    await trusted.read();
    equal(repository.requests().length, asked, 'a repository that is down is left in peace');
    repository.answer(200);
    repository.publish(FILE, '{"root":1}', new Date(Date.now() - HOUR_MS));
    await rm(join(dir, 'kept'), { recursive: true });
    await rejects(open().read(), failure(/expired/));
  });

  test('an older state than the one that is known is refused', async () => {
    await open().read();
    const older = {
      name: '/timestamp.json',
      text: await textAt(`${repository.url}/timestamp.json`),
    };
    repository.publish(FILE, '{"root":2}');
    passedMs = 2 * DAY_MS;
    const trusted = open();
    equal(await trusted.read(), '{"root":2}');
    repository.put(older.name, older.text);
    passedMs = 4 * DAY_MS;
    equal(await trusted.read(), '{"root":2}');
  });

  test('a failure is told to everybody who asks in the next seconds, without asking again', async () => {
    repository.answer(500);
    const trusted = open();
    await rejects(trusted.read(), failure(/timestamp\.json: status 500|root\.json: status 500/));
    const asked = repository.requests().length;
    await rejects(trusted.read(), failure(/status 500/));
    equal(repository.requests().length, asked);
    repository.answer(200);
    passedMs = 6_000;
    equal(await trusted.read(), '{"root":1}');
  });

  test('the end of the service ends a download', async () => {
    repository.answer(0);
    const stop = new AbortController();
    const reading = open({ signal: stop.signal }).read();
    const asked = async () => {
      while (repository.requests().length === 0) await new Promise(setImmediate);
    };
    await asked();
    stop.abort();
    await rejects(reading, failure(/unable to initialize trusted root/));
  });

  test('what is no URL is a setting that is wrong', async () => {
    await rejects(
      open({ url: 'ftp://example.com' }).read(),
      /--sigstore-tuf-url is no URL of http/,
    );
  });
});

async function textAt(url: string): Promise<string> {
  return (await fetch(url)).text();
}

test('the pinned root is signed by itself', async () => {
  const { Updater } = await import('tuf-js/dist/updater.js');
  const dir = await mkdtemp(join(tmpdir(), 'sigstore-'));
  try {
    const pinned = await readFile(new URL('./public-root.json', import.meta.url));
    await writeFile(join(dir, 'root.json'), pinned);
    new Updater({ metadataDir: dir, metadataBaseUrl: 'http://localhost' });
    const changed = pinned.toString().replace('"threshold": 3', '"threshold": 1');
    await writeFile(join(dir, 'root.json'), changed);
    await rejects(async () => new Updater({ metadataDir: dir, metadataBaseUrl: 'http://x' }));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
