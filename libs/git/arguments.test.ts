import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkCommitId, checkRefName, parseRemoteUrl } from './arguments.ts';
import { gitEnvironment } from './environment.ts';
import { explainFailure, GitError } from './errors.ts';
import { fetchCommit } from './fetch.ts';
import { mask, querySecrets } from './mask.ts';
import { credentialsFor, listRemote } from './remote.ts';

const invalid = (error: unknown) => error instanceof GitError && error.reason === 'InvalidArgument';

describe('urls', () => {
  for (const url of [
    'ext::sh -c "touch pwned"',
    '--upload-pack=touch',
    'file:///etc',
    'ssh+git://host/repo',
    'git@host:repo',
    '/srv/repo.git',
    'ftp://host/repo',
  ]) {
    test(`refuses ${url}`, () => assert.throws(() => parseRemoteUrl(url), invalid));
  }

  test('keeps a url without credentials as it is', () => {
    assert.deepEqual(parseRemoteUrl('https://host/a//b'), { url: 'https://host/a//b' });
  });

  test('takes credentials out of a url', () => {
    const url = 'https://us%40er:p%2Fw@host/repo.git';
    assert.deepEqual(parseRemoteUrl(url), {
      url: 'https://host/repo.git',
      username: 'us@er',
      password: 'p/w',
    });
    assert.deepEqual(credentialsFor(url, undefined), { username: 'us@er', password: 'p/w' });
    assert.deepEqual(credentialsFor(url, { username: 'x', password: 'y' }), {
      username: 'x',
      password: 'y',
    });
  });
});

describe('references', () => {
  for (const ref of [
    '--upload-pack=x',
    'refs/heads/../x',
    'refs/heads/a b',
    'refs/heads/a:b',
    'refs/heads/*',
    'refs/heads/a\nb',
    'refs/heads/',
    '/refs/heads/a',
    'refs/heads/a.lock',
    'refs/heads/a^',
    'refs//heads',
    '',
  ]) {
    test(`refuses ${JSON.stringify(ref)}`, () => assert.throws(() => checkRefName(ref), invalid));
  }
  for (const ref of [
    'refs/heads/feature/x',
    'refs/pull/1/head',
    'refs/tags/v1^{}',
    'HEAD',
    'refs/heads/ü',
  ]) {
    test(`accepts ${ref}`, () => assert.equal(checkRefName(ref), ref));
  }

  test('accepts full commit ids only', () => {
    assert.throws(() => checkCommitId('abc123'), invalid);
    assert.equal(checkCommitId('A'.repeat(40)), 'a'.repeat(40));
  });
});

/** The port is on this machine, and nothing listens there. */
const network = { allowLocal: true };

test('refuses credentials that no header can carry', async () => {
  const url = 'http://127.0.0.1:1/repo';
  const list = (auth: Parameters<typeof listRemote>[0]['auth']) =>
    listRemote({ url, auth, network, timeoutMs: 1000 });
  await assert.rejects(list({ bearerToken: 'a\r\nX: y' }), invalid);
  await assert.rejects(list({ bearerToken: 'a', username: 'b' }), invalid);
});

test('an unreachable server is named, its credentials are not', async () => {
  const url = 'http://me:hidden@127.0.0.1:1/repo';
  await assert.rejects(listRemote({ url, network, timeoutMs: 5000 }), (error: unknown) => {
    assert.ok(error instanceof GitError);
    assert.equal(error.reason, 'GitOperationFailed');
    assert.match(error.message, /^unable to list remote for 'http:\/\/127\.0\.0\.1:1\/repo': /);
    assert.match(error.message, /connect/i);
    assert.doesNotMatch(error.message, /hidden/);
    return true;
  });
});

test('an aborted operation says that it was stopped', async () => {
  await assert.rejects(
    fetchCommit({
      url: 'http://127.0.0.1:1/repo',
      dir: '/nonexistent/never-made',
      commit: 'a'.repeat(40),
      timeoutMs: 1000,
      signal: AbortSignal.abort(),
    }),
    (error: unknown) => error instanceof Error,
  );
});

test('messages are masked', () => {
  assert.equal(
    mask("fatal: 'https://u:p@h/x' said tok and token", ['tok', 'token']),
    "fatal: 'https://***@h/x' said *** and ***",
  );
  const error = explainFailure("unable to list remote for 'u'", 'fatal: Authentication failed\n');
  assert.equal(error.message, "unable to list remote for 'u': authentication required");
  assert.equal(error.reason, 'AuthenticationFailed');
  const other = explainFailure('doing', 'error: a\nhint: b\nfatal: a\nfatal: c\n');
  assert.equal(other.message, 'doing: a; c');
});

test('what git says is bounded and cleaned, what a server says is left out', () => {
  const said = (output: string) => explainFailure('doing', output).message;
  assert.equal(said('remote: the inner secret\nfatal: a\n'), 'doing: a');
  assert.equal(said('remote: the inner secret\n'), 'doing: git gave no reason');
  assert.equal(
    said("fatal: invalid server response; got 'secret'"),
    'doing: invalid server response',
  );
  assert.equal(said('fatal: remote error: inner secret\n'), 'doing: the server reports an error');
  const gone = `upload-pack: not our ref ${'a'.repeat(40)}`;
  assert.equal(said(`fatal: remote error: ${gone}\n`), `doing: remote error: ${gone}`);
  const more = said(`fatal: remote error: ${gone} inner secret\n`);
  assert.equal(more, 'doing: the server reports an error');
  const cut = 'fatal: protocol error: bad line length character: <htm';
  assert.equal(said(cut), 'doing: protocol error: bad line length character');
  assert.equal(said('fatal: a\u001b[31mb\u202ec\u2028d'), 'doing: a [31mb c d');
  assert.ok(said(`fatal: ${'x'.repeat(10_000)}`).length < 600);
  const full = explainFailure('doing', 'fatal: Out of memory, malloc failed', {
    limits: { memoryBytes: 7, fileBytes: 8 },
  });
  assert.equal(full.reason, 'LimitExceeded');
  assert.match(full.message, /7 bytes a process \(--git-max-memory-bytes\)/);
});

test('values in a query are secrets wherever they stand', () => {
  const secrets = querySecrets('https://host/x?token=a%2Bb%2Bc%2Bd&page=2#top');
  assert.deepEqual(secrets, ['a%2Bb%2Bc%2Bd', 'a+b+c+d']);
  assert.equal(mask('https://host/x?token=abc&page=2', []), 'https://host/x?token=***&page=***');
});

test('git inherits neither configuration nor variables of ours', () => {
  process.env.GIT_SSH_COMMAND = 'touch pwned';
  process.env.SECRET_OF_OURS = 'x';
  try {
    const env = gitEnvironment({ config: [['http.extraHeader', 'A: b']] });
    assert.equal(env.GIT_SSH_COMMAND, undefined);
    assert.equal(env.SECRET_OF_OURS, undefined);
    assert.equal(env.GIT_CONFIG_NOSYSTEM, '1');
    const last = Number(env.GIT_CONFIG_COUNT) - 1;
    assert.equal(env[`GIT_CONFIG_KEY_${last}`], 'http.extraHeader');
    assert.equal(env[`GIT_CONFIG_VALUE_${last}`], 'A: b');
  } finally {
    delete process.env.GIT_SSH_COMMAND;
    delete process.env.SECRET_OF_OURS;
  }
});
