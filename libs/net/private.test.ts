import assert from 'node:assert/strict';
import { test } from 'node:test';
import { staysPrivate } from './index.ts';

test('a token goes over TLS, or nowhere but to this machine', () => {
  const check = (url: string) => staysPrivate(new URL(url));
  for (const url of [
    'https://a.example',
    'http://127.0.0.1:1',
    'http://[::1]/',
    'http://localhost',
  ]) {
    assert.ok(check(url), url);
  }
  for (const url of [
    'http://a.example',
    'http://10.0.0.1',
    'http://169.254.169.254',
    'http://127.0.0.1.example',
    'ftp://127.0.0.1',
  ]) {
    assert.ok(!check(url), url);
  }
});
