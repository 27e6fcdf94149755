import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { grammar, SERVICES } from './catalogue.ts';
import { readCommandLine, UsageError, usage } from './command-line.ts';

const known = await grammar();
const read = (...args: string[]) => readCommandLine(args, known);
const refuses = (args: string[], message: RegExp) =>
  assert.throws(
    () => read(...args),
    (error) => error instanceof UsageError && message.test(error.message),
  );

test('services are words, flags are the rest, in any order', () => {
  assert.deepEqual(read('source', '--install-crds', 'kustomize', '--health-port', '9000'), {
    services: ['source', 'kustomize'],
    flags: { 'install-crds': 'true', 'health-port': '9000' },
  });
  assert.deepEqual(read('--health-port=9000', '--install-crds=false').flags, {
    'health-port': '9000',
    'install-crds': 'false',
  });
  assert.deepEqual(read(), { services: [], flags: {} });
});

test('of a flag that is given twice the last value counts, or all where it takes a list', () => {
  const { flags } = read(
    '--concurrent=1',
    '--concurrent=2',
    '--override-manager=a',
    '--override-manager',
    'b',
  );
  assert.deepEqual(flags, { concurrent: '2', 'override-manager': 'a,b' });
});

test('a command line that cannot be followed is refused with what would be right', () => {
  refuses(['--health'], /unknown flag --health; did you mean --health-port\?/);
  refuses(['--nonsense'], /unknown flag --nonsense; --help shows all/);
  refuses(['sauce'], /unknown service sauce; there are source, kustomize/);
  refuses(['--health-port'], /--health-port needs a value/);
  refuses(['--health-port', '--install-crds'], /--health-port needs a value/);
});

test('the help shows every service and every flag', () => {
  const text = usage(known);
  for (const name of SERVICES) assert.ok(text.includes(`[${name}]`), name);
  assert.match(text, /--no-cross-namespace-refs +\S/);
  assert.match(text, /WEIR_HEALTH_PORT/);
});

test('whatever the code reads can be given as a flag', async () => {
  const text = usage(known);
  const folder = join(import.meta.dirname, '..');
  const files = (await readdir(folder, { recursive: true })).filter(
    (name) => name.endsWith('.ts') && !name.includes('test') && !name.includes('node_modules'),
  );
  const settings = new Set<string>();
  for (const file of files) {
    const code = await readFile(join(folder, file), 'utf8');
    const reads = code.matchAll(
      /settings\s*\.(?:get|number|port|choice|boolean|duration|list)\(\s*'([^']+)'/g,
    );
    for (const [, name = ''] of reads) settings.add(name);
  }
  assert.ok(settings.size > 10, `${settings.size} found`);
  for (const name of settings) assert.match(text, new RegExp(`--${name}[ =]`), name);
});
