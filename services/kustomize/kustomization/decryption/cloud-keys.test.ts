import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCloudKeys } from './cloud-keys.ts';

const read = (entries: Record<string, string | Buffer>) =>
  readCloudKeys(new Map(Object.entries(entries).map(([name, it]) => [name, Buffer.from(it)])));

test('keys of AWS, in YAML and JSON', () => {
  const keys = { accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: undefined };
  const yaml = 'aws_access_key_id: id\naws_secret_access_key: secret\n';
  assert.deepEqual(read({ 'sops.aws-kms': yaml }).aws, keys);
  const json =
    '{"aws_access_key_id":"id","aws_secret_access_key":"secret","aws_session_token":"t"}';
  assert.deepEqual(read({ 'sops.aws-kms': json }).aws, { ...keys, sessionToken: 't' });
  assert.deepEqual(read({ other: 'x' }), { aws: undefined, azure: undefined, gcp: undefined });
});

test('logins of Azure, in each form, and in UTF-16', () => {
  const application = { tenantId: 't', clientId: 'c', authorityHost: undefined };
  const secret = '{"tenantId":"t","clientId":"c","clientSecret":"s"}';
  const utf16 = Buffer.from(`\uFEFF${secret}`, 'utf16le');
  for (const value of [secret, `\uFEFF${secret}`, utf16, Buffer.from(utf16).swap16()]) {
    assert.deepEqual(read({ 'sops.azure-kv': value }).azure, { ...application, clientSecret: 's' });
  }
  const pem =
    'tenantId: t\nclientId: c\nclientCertificate: |\n  -----BEGIN\nclientCertificateSendChain: true\n';
  assert.deepEqual(read({ 'sops.azure-kv': pem }).azure, {
    ...{ ...application, certificate: '-----BEGIN\n', password: undefined, sendChain: true },
  });
  const az = '{"appId":"c","displayName":"d","name":"http://d","password":"s","tenant":"t"}';
  assert.deepEqual(read({ 'sops.azure-kv': az }).azure, { ...application, clientSecret: 's' });
  assert.deepEqual(read({ 'sops.azure-kv': 'clientId: c' }).azure, { clientId: 'c' });
});

test('what can not be used is named, and not quoted', () => {
  const cases: [string, string | Buffer, RegExp][] = [
    [
      'sops.aws-kms',
      'aws_access_key_id: s3cret',
      /^'sops\.aws-kms': requires the fields 'aws_access_key_id' and/,
    ],
    ['sops.aws-kms', 's3cret: [', /: it is no YAML$/],
    ['sops.aws-kms', 's3cret', /: it is no map of names to values$/],
    ['sops.aws-kms', '- s3cret', /: it is no map/],
    ['sops.aws-kms', 'a: &a s3cret\nb: *a', /: it is no YAML$/],
    [
      'sops.azure-kv',
      'tenantId: s3cret',
      /^'sops\.azure-kv': invalid data: requires a 'clientId' field/,
    ],
    ['sops.gcp-kms', 's3cret', /^'sops\.gcp-kms': it is no JSON$/],
    ['sops.gcp-kms', '{"type":"external_account","x":"s3cret"}', /is not 'service_account'$/],
    ['sops.gcp-kms', Buffer.alloc(100_000, 's3cret'), /more than 65536 bytes$/],
    ['sops.azure-kv', Buffer.from([0xfe, 0xff, 0x61]), /invalid data|no map/],
  ];
  for (const [name, value, message] of cases) {
    assert.throws(
      () => read({ [name]: value }),
      (error: Error) => {
        assert.match(error.message, message);
        return !error.message.includes('s3cret');
      },
    );
  }
});
