import { deepEqual, equal, match, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { OciError } from './errors.ts';
import { formatReference, parseReference, parseRepository } from './reference.ts';

test('a name is a registry and a repository, by the rules of Docker', () => {
  const cases: [text: string, registry: string, name: string][] = [
    ['ghcr.io/org/app', 'ghcr.io', 'org/app'],
    ['localhost/app', 'localhost', 'app'],
    ['localhost:5000/org/app', 'localhost:5000', 'org/app'],
    ['[::1]:5000/app', '[::1]:5000', 'app'],
    ['GHCR.io/org/app', 'ghcr.io', 'org/app'],
    ['nginx', 'index.docker.io', 'library/nginx'],
    ['docker.io/nginx', 'index.docker.io', 'library/nginx'],
    ['org/app', 'index.docker.io', 'org/app'],
    ['index.docker.io/org/app', 'index.docker.io', 'org/app'],
  ];
  for (const [text, registry, name] of cases) {
    deepEqual(parseRepository(text), { registry, name }, text);
  }
});

test('what is no repository is refused, ways out of it among that', () => {
  const bad = [
    ...['', 'ghcr.io/', 'ghcr.io/Org/app', 'ghcr.io/app:1.0.0', 'ghcr.io/app@sha256:abc'],
    ...['ghcr.io/../v2/other', 'ghcr.io/a/./b', 'ghcr.io/a//b', 'ghcr.io/a/', 'ghcr.io/a?x=1'],
    ...['user@ghcr.io/a', 'ghcr.io:port/a', 'ghcr.io#/a', 'ghcr.io:99999999/a', 'a%2f.b/c'],
    `ghcr.io/${'a'.repeat(256)}`,
  ];
  for (const text of bad) {
    throws(
      () => parseRepository(text),
      (error: unknown) => error instanceof OciError && error.reason === 'InvalidReference',
      text,
    );
  }
  throws(
    () => parseRepository('user:hunter2@ghcr.io/app'),
    (error: unknown) => !String(error).includes('hunter2'),
  );
  throws(
    () => parseRepository('ghcr.io/app:1.0.0'),
    (error: unknown) => {
      match(String(error), /can only contain the characters `abc[^`]*`: app:1\.0\.0$/);
      return true;
    },
  );
});

test('references have a tag, a digest or both', () => {
  const digest = `sha256:${'0a'.repeat(32)}`;
  const repository = { registry: 'ghcr.io:443', name: 'org/app' };
  deepEqual(parseReference('ghcr.io:443/org/app'), { repository, tag: 'latest' });
  deepEqual(parseReference('ghcr.io:443/org/app:1.0'), { repository, tag: '1.0' });
  deepEqual(parseReference(`ghcr.io:443/org/app@${digest}`), { repository, digest });
  deepEqual(parseReference(`ghcr.io:443/org/app:1.0@${digest}`), {
    repository,
    tag: '1.0',
    digest,
  });
  for (const bad of ['a/b:', 'a/b:x/y:z!', `a/b@sha256:00`, 'a/b@md5:0a', `a/b@${digest}0`]) {
    throws(() => parseReference(bad), OciError, bad);
  }
  equal(formatReference({ repository, tag: '1.0' }), 'ghcr.io:443/org/app:1.0');
  equal(formatReference({ repository, tag: '1.0', digest }), `ghcr.io:443/org/app@${digest}`);
});
