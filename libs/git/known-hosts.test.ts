import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { linesAbout } from './known-hosts.ts';

const key = 'ssh-ed25519 AAAAC3Nz';

function isAbout(names: string, host: string, port = 22): boolean {
  return linesAbout(`${names} ${key}`, host, port) !== '';
}

function hashed(name: string): string {
  const salt = Buffer.from('01234567890123456789');
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

test('names, ports, wildcards, negations and hashes', () => {
  for (const [names, host, port] of [
    ['example.com', 'example.com'],
    ['EXAMPLE.com', 'example.COM'],
    ['a,example.com,b', 'example.com'],
    ['*.example.com', 'git.example.com'],
    ['git?.example.com', 'git1.example.com'],
    ['*', 'example.com'],
    ['[example.com]:2222', 'example.com', 2222],
    ['[*.example.com]:2222', 'git.example.com', 2222],
    ['[example.com]:22', 'example.com'],
    ['::1', '::1'],
    ['[::1]:2222', '::1', 2222],
    [hashed('example.com'), 'example.com'],
    [hashed('[example.com]:2222'), 'example.com', 2222],
    [hashed('[::1]'), '::1'],
  ] as const) {
    assert.equal(isAbout(names, host, port), true, names);
  }
  for (const [names, host, port] of [
    ['example.com', 'example.org'],
    ['example.com', 'example.com', 2222],
    ['*', 'example.com', 2222],
    ['[example.com]:2222', 'example.com'],
    ['[example.com]:2222', 'example.com', 2223],
    ['*.example.com', 'example.com'],
    ['*.example.com,!git.example.com', 'git.example.com'],
    ['!example.com', 'other.com'],
    [hashed('example.com'), 'example.com', 2222],
    [hashed('example.com'), 'other.com'],
    [`${hashed('example.com')}|x`, 'example.com'],
    ['|2|a|b', 'example.com'],
    ['#example.com', 'example.com'],
  ] as const) {
    assert.equal(isAbout(names, host, port), false, names);
  }
});

test('markers and keys are kept, names and comments are not', () => {
  const known = `@cert-authority *.com ${key} of the company\n# no\n@revoked a.com ${key}\n@other a.com ${key}\n`;
  assert.equal(
    linesAbout(known, 'A.com', 22),
    `@cert-authority a.com ${key}\n@revoked a.com ${key}\n`,
  );
});

test('a pattern that invites backtracking is decided at once', () => {
  const start = performance.now();
  assert.equal(isAbout(`${'*a'.repeat(5_000)}b`, 'a'.repeat(253)), false);
  assert.ok(performance.now() - start < 1_000);
});
