import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { it } from 'node:test';
import { InvalidCertificates, readCertificates } from './certificates.ts';

const pem = (bits: number) =>
  generateKeyPairSync('rsa', { modulusLength: bits })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();

const refusal = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof InvalidCertificates);
  assert.match(error.message, message);
  return true;
};

it('reads both spellings of the keys', () => {
  const key = pem(2_048);
  assert.deepEqual(readCertificates({ 'ca.crt': 'ca' }), { ca: 'ca' });
  const own = { cert: 'cert', key };
  assert.deepEqual(readCertificates({ certFile: 'cert', keyFile: key }), own);
  assert.throws(() => readCertificates({}), refusal(/needs 'ca.crt'/));
  assert.throws(() => readCertificates({ 'tls.crt': 'cert' }), refusal(/needs both/));
});

it('refuses what would occupy the thread: much of it, or a key whose every use takes long', () => {
  const large = 'x'.repeat(300 * 1024);
  assert.throws(() => readCertificates({ 'ca.crt': large }), refusal(/more than 262144 bytes/));
  const own = { 'tls.crt': large, 'tls.key': 'k' };
  assert.throws(() => readCertificates(own), refusal(/more than 65536 bytes/));
  const long = { 'tls.crt': 'cert', 'tls.key': pem(4_104) };
  assert.throws(() => readCertificates(long), refusal(/more than 4096 bits/));
  assert.throws(
    () => readCertificates({ 'tls.crt': 'cert', 'tls.key': 's3cret' }),
    refusal(/^holds a 'tls.key' that can't be read$/),
  );
});
