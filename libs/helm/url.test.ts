import { equal, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { chartUrl, indexUrl, normalizeUrl } from './url.ts';

test('a repository has one slash at its end, a registry none', () => {
  equal(normalizeUrl('https://example.com/charts'), 'https://example.com/charts/');
  equal(normalizeUrl('https://example.com/charts//'), 'https://example.com/charts/');
  equal(normalizeUrl('oci://example.com/charts/'), 'oci://example.com/charts');
  throws(() => normalizeUrl('charts'), /parse "charts": it is no URL/);
  throws(() => normalizeUrl('http://user:secret@:x'), /parse "http:\/\/:x"/);
});

test('an index is below its repository', () => {
  equal(indexUrl('https://example.com').href, 'https://example.com/index.yaml');
  equal(indexUrl('https://example.com/a/?b=c').href, 'https://example.com/a/index.yaml?b=c');
});

test('a chart is where the index says, below the repository unless it names a host', () => {
  const repository = 'https://example.com/charts?token=x';
  equal(chartUrl(repository, 'app.tgz').href, 'https://example.com/charts/app.tgz?token=x');
  equal(chartUrl(repository, '../app.tgz').href, 'https://example.com/app.tgz?token=x');
  equal(chartUrl(repository, 'https://other/app.tgz').href, 'https://other/app.tgz');
});
