import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { cacheFolder, type GoBuildOptions, goBuild } from './gobuild.ts';

/** A Go module that prints a word and the value that the linker set, with a cache of its own. */
async function program(t: TestContext, word: string): Promise<GoBuildOptions> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-gobuild-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const module = join(folder, 'module');
  const options: GoBuildOptions = {
    name: 'say',
    module,
    cacheDir: join(folder, 'cache'),
    ldflags: (hash) => `-X main.hash=${hash}`,
  };
  await mkdir(module);
  await writeFile(join(module, 'go.mod'), 'module say\n\ngo 1.26\n');
  await say(options, word);
  return options;
}

async function say({ module }: GoBuildOptions, word: string): Promise<void> {
  const source = `package main\n\nvar hash string\n\nfunc main() { print("${word} ", len(hash)) }\n`;
  await writeFile(join(module, 'main.go'), source);
}

function run(binary: string): string {
  return execFileSync('/bin/sh', ['-c', '"$0" 2>&1', binary], { encoding: 'utf8' });
}

test('a program is built once per version of its sources', async (t) => {
  const options = await program(t, 'hello');
  const lines: string[] = [];
  const onProgress = (line: string): void => void lines.push(line);
  const first = await goBuild({ ...options, onProgress });
  assert.equal(run(first), 'hello 64');
  assert.match(lines[0] ?? '', /^say: building from Go sources/);
  assert.match(lines.at(-1) ?? '', /^say: built in \d+ s$/);

  lines.length = 0;
  assert.equal(await goBuild({ ...options, onProgress }), first);
  await writeFile(join(options.module, 'main_test.go'), 'package main\n');
  assert.equal(await goBuild({ ...options, onProgress }), first, 'tests are no sources');
  assert.deepEqual(lines, []);

  await say(options, 'bye');
  const second = await goBuild(options);
  assert.notEqual(second, first);
  assert.equal(run(second), 'bye 64');
  assert.notEqual(await goBuild({ ...options, tags: ['other'] }), second);
});

test('a module beside it is a part of its sources', async (t) => {
  const options = await program(t, 'hello');
  const beside = join(dirname(options.module), 'beside');
  await mkdir(beside);
  await writeFile(join(beside, 'go.mod'), 'module beside\n\ngo 1.26\n');
  const spoken = (word: string) => `package beside\n\nconst Word = "${word}"\n`;
  await writeFile(join(beside, 'word.go'), spoken('one'));
  await writeFile(
    join(options.module, 'go.mod'),
    'module say\n\ngo 1.26\n\nrequire beside v0.0.0\n\nreplace beside => ../beside\n',
  );
  await writeFile(
    join(options.module, 'main.go'),
    'package main\n\nimport "beside"\n\nfunc main() { print(beside.Word) }\n',
  );
  assert.equal(run(await goBuild(options)), 'one');
  await writeFile(join(beside, 'word.go'), spoken('two'));
  assert.equal(run(await goBuild(options)), 'two');
});

test('of many that ask at the same time one builds', async (t) => {
  const options = await program(t, 'hello');
  const lines: string[] = [];
  const onProgress = (line: string): void => void lines.push(line);
  const binaries = await Promise.all([1, 2, 3, 4].map(() => goBuild({ ...options, onProgress })));
  assert.equal(new Set(binaries).size, 1);
  assert.equal(lines.filter((line) => /built in/.test(line)).length, 1);
  assert.equal(lines.filter((line) => /waiting/.test(line)).length, 3);
  const left = await readdir(dirname(binaries[0] ?? ''));
  assert.equal(left.length, 1, left.join());
});

test('the lock of a builder that crashed is taken over', async (t) => {
  const options = await program(t, 'hello');
  const binary = await goBuild(options);
  await rm(binary);
  const lock = `${binary}.lock`;
  await writeFile(lock, '1');
  const aMinuteAgo = new Date(Date.now() - 60_000);
  await utimes(lock, aMinuteAgo, aMinuteAgo);
  assert.equal(await goBuild(options), binary);
  assert.equal(run(binary), 'hello 64');
});

test('who waits for a builder can give up', async (t) => {
  const options = await program(t, 'hello');
  const binary = await goBuild(options);
  await rm(binary);
  await writeFile(`${binary}.lock`, '1');
  const waiting = new AbortController();
  const onProgress = (): void => waiting.abort();
  await assert.rejects(goBuild({ ...options, onProgress, signal: waiting.signal }), {
    reason: 'Aborted',
  });
});

test('errors say what to do', async (t) => {
  const options = await program(t, '" +');
  await assert.rejects(goBuild(options), { reason: 'GoBuildFailed', message: /main\.go:5:/ });
  const signal = AbortSignal.abort();
  await assert.rejects(goBuild({ ...options, signal }), { reason: 'Aborted' });
  const path = process.env.PATH;
  process.env.PATH = '/does/not/exist';
  t.after(() => {
    process.env.PATH = path;
  });
  await assert.rejects(goBuild(options), { reason: 'GoMissing', message: /install Go 1\.26/ });
});

test('a cache that can not be written to', async (t) => {
  const options = await program(t, 'hello');
  const cacheDir = join(options.module, 'main.go');
  await assert.rejects(goBuild({ ...options, cacheDir }), {
    reason: 'GoBuildFailed',
    message: /WEIR_CACHE names another folder/,
  });
});

test('the cache folder', () => {
  assert.equal(cacheFolder({ WEIR_CACHE: '/c', HOME: '/h' }), '/c');
  assert.equal(cacheFolder({ XDG_CACHE_HOME: '/x', HOME: '/h' }), '/x/weir');
  assert.equal(cacheFolder({ HOME: '/h' }), '/h/.cache/weir');
});
