import { deepEqual, doesNotMatch, equal, match, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { type Credentials, credentialsFor, readPullSecret } from './docker-config.ts';
import { OciError } from './errors.ts';
import { matchesGlob } from './glob.ts';
import { parseRepository } from './reference.ts';

const JSON_TYPE = 'kubernetes.io/dockerconfigjson';

function secretOf(content: unknown, type = JSON_TYPE) {
  const key = type === JSON_TYPE ? '.dockerconfigjson' : '.dockercfg';
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  return { type, name: 'apps/pull', data: new Map([[key, Buffer.from(text)]]) };
}

function find(repository: string, auths: Record<string, unknown>): Credentials | undefined {
  return credentialsFor(parseRepository(repository), readPullSecret(secretOf({ auths })));
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const login = (username: string) => ({ username, password: 'secret' });

test('both types of pull secrets hold credentials, others hold none', () => {
  const repository = parseRepository('ghcr.io/org/app');
  const old = readPullSecret(secretOf({ 'ghcr.io': login('a') }, 'kubernetes.io/dockercfg'));
  deepEqual(credentialsFor(repository, old), login('a'));
  deepEqual(readPullSecret({ ...secretOf({}), type: 'Opaque' }), []);
  deepEqual(readPullSecret({ ...secretOf({}), type: undefined }), []);
  deepEqual(readPullSecret(secretOf({})), []);
  deepEqual(readPullSecret(secretOf('')), []);
});

test('an entry has a name and a password, their base64, or a token', () => {
  const cases: [entry: object, credentials: Credentials | undefined][] = [
    [
      { username: 'a', password: 'b' },
      { username: 'a', password: 'b' },
    ],
    [{ auth: base64('a:b:c') }, { username: 'a', password: 'b:c' }],
    [{ auth: base64('a:b').replace(/=+$/, '') }, { username: 'a', password: 'b' }],
    [
      { username: 'x', password: 'y', auth: base64('a:b') },
      { username: 'a', password: 'b' },
    ],
    [{ auth: base64('a:'), identitytoken: 'token' }, { identityToken: 'token' }],
    [{ auth: base64('<token>:token') }, { identityToken: 'token' }],
    [{ registrytoken: 'token' }, { registryToken: 'token' }],
    [{}, undefined],
    [{ email: 'a@example.com' }, undefined],
  ];
  for (const [entry, credentials] of cases) {
    deepEqual(find('ghcr.io/org/app', { 'ghcr.io': entry }), credentials, JSON.stringify(entry));
  }
});

test('the key of an entry is a host in any of its spellings', () => {
  const spellings = [
    ...['ghcr.io', 'https://ghcr.io', 'http://ghcr.io', 'https://ghcr.io/', 'ghcr.io/v2/'],
    ...['https://ghcr.io/v1/', 'GHCR.io', '*.io', 'gh??.io', 'gh[a-d]r.io', 'ghcr.io/org'],
    ...['ghcr.io/org/app', 'https://ghcr.io/org'],
  ];
  for (const key of spellings) {
    deepEqual(find('ghcr.io/org/app', { [key]: login('a') }), login('a'), key);
  }
  for (const key of [
    'ghcr.io:443',
    'io',
    '*.*.io',
    'other.io',
    'ghcr.io/other',
    'ghcr.io/org/app/x',
  ]) {
    equal(find('ghcr.io/org/app', { [key]: login('a') }), undefined, key);
  }
  deepEqual(find('localhost:5000/app', { 'localhost:5000': login('a') }), login('a'));
  equal(find('localhost:5000/app', { localhost: login('a') }), undefined);
  for (const key of ['https://index.docker.io/v1/', 'index.docker.io', 'docker.io']) {
    deepEqual(find('nginx', { [key]: login('hub') }), login('hub'), key);
  }
});

test('the longest path wins, then the first secret', () => {
  const auths = {
    'ghcr.io': login('host'),
    'ghcr.io/org/app': login('app'),
    'ghcr.io/org': login('org'),
  };
  deepEqual(find('ghcr.io/org/app', auths), login('app'));
  deepEqual(find('ghcr.io/org/other', auths), login('org'));
  deepEqual(find('ghcr.io/elsewhere', auths), login('host'));
  const both = [login('first'), login('second')].flatMap((entry) =>
    readPullSecret(secretOf({ auths: { 'ghcr.io': entry } })),
  );
  deepEqual(credentialsFor(parseRepository('ghcr.io/a'), both), login('first'));
});

test('a secret that cannot be read is refused without a word of its content', () => {
  const bad = [
    ...['{"auths": {"ghcr.io": {"password": "hunter2"', '[]', '"hunter2"', { auths: ['hunter2'] }],
    ...[{ auths: { 'ghcr.io': 'hunter2' } }, { auths: { 'ghcr.io': { auth: base64('hunter2') } } }],
    ...[{ auths: { 'ghcr.io': { auth: '%hunter2' } } }, { auths: { 'a b': login('hunter2') } }],
    ...[{ auths: { 'ghcr.io': { password: ['hunter2'] } } }],
  ];
  for (const content of bad) {
    throws(
      () => readPullSecret(secretOf(content)),
      (error: unknown) => {
        match(String(error), /secret 'apps\/pull'/);
        doesNotMatch(String(error), /hunter2/);
        return error instanceof OciError && error.reason === 'InvalidConfiguration';
      },
    );
  }
});

test('what is made to take long takes no longer', () => {
  const started = performance.now();
  const spaces = `${' '.repeat(900_000)}!`;
  throws(() => readPullSecret(secretOf({ auths: { 'ghcr.io': { auth: spaces } } })), OciError);
  equal(matchesGlob('*a'.repeat(500), `${'a'.repeat(499)}b`), false);
  equal(matchesGlob('a*b?[^x-z]\\*', 'axxbbw*'), true);
  equal(matchesGlob('[', '['), false);
  equal(performance.now() - started < 500, true);
});
