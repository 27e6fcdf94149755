import { deepEqual, doesNotMatch, equal, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { proxyOf, tlsOf } from './secrets.ts';

function secretOf(data: Record<string, string>) {
  const entries = Object.entries(data).map(([key, value]) => [key, Buffer.from(value)] as const);
  return { type: 'Opaque', name: 'apps/own', data: new Map(entries) };
}

test('an authority, a certificate with its key, or both, under their new and old names', () => {
  const all = { ca: 'CA', certificate: 'CERT', key: 'KEY' };
  deepEqual(tlsOf(secretOf({ 'ca.crt': 'CA', 'tls.crt': 'CERT', 'tls.key': 'KEY' })), all);
  deepEqual(tlsOf(secretOf({ caFile: 'CA', certFile: 'CERT', keyFile: 'KEY' })), all);
  deepEqual(tlsOf(secretOf({ 'ca.crt': 'CA', caFile: 'OLD' })).ca, 'CA');
  const bad: [data: Record<string, string>, message: string][] = [
    [{ 'tls.crt': 'x' }, "secret 'apps/own' contains 'tls.crt' but missing 'tls.key'"],
    [{ 'tls.key': 'x' }, "secret 'apps/own' contains 'tls.key' but missing 'tls.crt'"],
    [{}, "secret 'apps/own' must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'"],
    [
      { 'ca.crt': '' },
      "secret 'apps/own' must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'",
    ],
  ];
  for (const [data, message] of bad) throws(() => tlsOf(secretOf(data)), { message });
});

test('a proxy has an address, and a name and a password of any characters', () => {
  equal(proxyOf(secretOf({ address: 'http://proxy:3128' })), 'http://proxy:3128/');
  const login = { address: 'https://proxy', username: 'a@b', password: 'p:w/#' };
  const url = new URL(proxyOf(secretOf(login)));
  deepEqual(
    [url.host, decodeURIComponent(url.username), decodeURIComponent(url.password)],
    ['proxy', 'a@b', 'p:w/#'],
  );
  const bad = [
    ...[{}, { address: '' }, { address: 'hunter2' }, { address: 'socks5://u:hunter2@proxy' }],
    ...[{ address: 'file:///etc/passwd' }, { address: `http://${'x'.repeat(3_000)}` }],
  ];
  for (const data of bad) {
    throws(
      () => proxyOf(secretOf(data as Record<string, string>)),
      (error: unknown) => {
        doesNotMatch(String(error), /hunter2/);
        return String(error).includes("secret 'apps/own'");
      },
    );
  }
});
