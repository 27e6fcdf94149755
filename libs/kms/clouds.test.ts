// Key management services of clouds, against a server that speaks their documented APIs.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Connections, keepConnections } from '@weir/net';
import {
  awsAssumeRole,
  awsDecrypt,
  awsKeyRegion,
  azureDecrypt,
  azureVaultScope,
  gcpDecrypt,
  KmsError,
} from './index.ts';
import { type KmsServer, startKmsServer, wrap } from './testing/index.ts';

const ARN = 'arn:aws:kms:eu-central-1:1234:key/abc-def';
const RESOURCE = 'projects/p/locations/global/keyRings/r/cryptoKeys/k';
const KEYS = { accessKeyId: 'AKID', secretAccessKey: 's3cret' };
const KEY = 'data key';

let server: KmsServer;
let connections: Connections;
before(async () => {
  server = await startKmsServer();
  server.users.set('AKID', { secretAccessKey: 's3cret' });
  server.tokens.add('t0ken');
  connections = keepConnections({ allowLocal: true });
});
after(async () => {
  connections?.close();
  await server?.close();
});
beforeEach(() => {
  server.intercept = undefined;
  server.asked.length = 0;
});

const options = (ms = 10_000) => ({
  ...{ connections, endpoint: server.url, trusted: server.url },
  signal: AbortSignal.timeout(ms),
});
const aws = (more: object = {}, keys: Partial<typeof KEYS> = {}, ms?: number) => {
  const key = { arn: ARN, context: { app: 'shop' }, wrapped: wrap(ARN, KEY), ...more };
  return awsDecrypt(key, key.wrapped, { ...KEYS, ...keys }, options(ms));
};
const gcp = (name = RESOURCE, wrapped = wrap(RESOURCE, KEY), token = 't0ken', ms?: number) =>
  gcpDecrypt(name, wrapped, token, options(ms));
const azure = (
  more: object = {},
  wrapped = wrap('k', KEY, 'base64url'),
  token = 't0ken',
  ms?: number,
) =>
  azureDecrypt(
    { address: server.url, name: 'k', version: '1', ...more },
    wrapped,
    token,
    options(ms),
  );

async function refuses(asked: Promise<unknown>, message: RegExp) {
  await assert.rejects(asked, (error: unknown) => {
    assert.ok(error instanceof KmsError, String(error));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /s3cret|t0ken|User:/);
    return true;
  });
}

describe('AWS KMS', () => {
  test('decrypts, with keys, keys for a while and those of a role', async () => {
    assert.equal((await aws()).toString(), KEY);
    assert.deepEqual(server.asked, [`aws ${ARN} {"app":"shop"}`]);
    server.users.set('ASIA', { secretAccessKey: 'other', sessionToken: 'session' });
    const temporary = { accessKeyId: 'ASIA', secretAccessKey: 'other', sessionToken: 'session' };
    assert.equal((await aws({}, temporary)).toString(), KEY);
    const role = 'arn:aws:iam::1234:role/path/sops';
    server.roles.set(role, temporary);
    const asked = { role, region: awsKeyRegion(ARN) };
    assert.deepEqual(await awsAssumeRole(asked, KEYS, options()), temporary);
  });

  test('refuses in words that quote nothing', async () => {
    await refuses(
      aws({}, { secretAccessKey: 'wrong' }),
      /answered 400 \(InvalidSignatureException\): the secret access key is wrong$/,
    );
    await refuses(aws({}, { accessKeyId: 'NONE' }), /\(UnrecognizedClientException\)/);
    await refuses(
      aws({ wrapped: wrap('other', KEY) }),
      /\(InvalidCiphertextException\): it can not/,
    );
    server.forbidden.add(ARN);
    await refuses(
      aws(),
      /AWS KMS at 127\.0\.0\.1:\d+ answered 400 \(AccessDeniedException\): the identity may not use that key \(kms:Decrypt\)$/,
    );
    server.forbidden.delete(ARN);
    await refuses(aws({ wrapped: 'no base64!' }), /is not base64/);
    await refuses(aws({ wrapped: 'A'.repeat(20_000) }), /too long/);
    await refuses(aws({ context: { a: 'x'.repeat(10_000) } }), /context is too long/);
    const role = { role: 'arn:aws:iam::1234:role/none', region: 'eu-central-1' };
    await refuses(
      awsAssumeRole(role, KEYS, options()),
      /answered 403 \(AccessDenied\): .*'arn:aws:iam::1234:role\/none'/,
    );
    await refuses(
      awsAssumeRole({ ...role, role: 'x&Action=y' }, KEYS, options()),
      /no ARN of a role/,
    );
  });

  test('is asked at no host that a file makes up', () => {
    assert.equal(awsKeyRegion('arn:aws-cn:kms:cn-north-1:1:alias/a'), 'cn-north-1');
    for (const arn of [
      'arn:aws:kms:evil.example/x:1:key/a',
      'arn:aws:kms:eu-central-1@evil:1:key/a',
      'arn:aws:kms::1:key/a',
      'arn:aws:s3:eu-central-1:1:key/a',
      'alias/a',
    ]) {
      assert.throws(() => awsKeyRegion(arn), /is no ARN of AWS KMS/, arn);
    }
  });
});

describe('Google Cloud KMS', () => {
  test('decrypts', async () => {
    assert.equal((await gcp()).toString(), KEY);
    assert.deepEqual(server.asked, [`gcp ${RESOURCE}`]);
  });

  test('refuses in words that quote nothing', async () => {
    await refuses(
      gcp(RESOURCE, undefined, 'other'),
      /answered 401 \(UNAUTHENTICATED\): the token is/,
    );
    await refuses(
      gcp(RESOURCE, wrap('other', KEY)),
      /answered 400 \(INVALID_ARGUMENT\): it can not/,
    );
    server.forbidden.add(RESOURCE);
    await refuses(
      gcp(),
      /GCP KMS at 127\.0\.0\.1:\d+ answered 403 \(PERMISSION_DENIED\): the identity may not/,
    );
    server.forbidden.delete(RESOURCE);
    for (const name of [
      'projects/p',
      `${RESOURCE}/x`,
      RESOURCE.replace('/r/', '/../'),
      `${RESOURCE}?a`,
    ]) {
      await refuses(gcp(name), /is no resource of Google Cloud KMS/);
    }
  });
});

describe('Azure Key Vault', () => {
  test('decrypts with a version of a key, and the newest', async () => {
    assert.equal((await azure()).toString(), KEY);
    assert.equal((await azure({ version: '' })).toString(), KEY);
    assert.deepEqual(server.asked, ['azure k/1', 'azure k/decrypt']);
  });

  test('refuses in words that quote nothing', async () => {
    await refuses(azure({}, undefined, 'other'), /answered 401 \(Unauthorized\): the token is not/);
    await refuses(azure({}, wrap('other', KEY, 'base64url')), /answered 400 \(BadParameter\)/);
    server.forbidden.add('k');
    await refuses(
      azure(),
      /Azure Key Vault at 127\.0\.0\.1:\d+ answered 403 \(Forbidden\): the identity/,
    );
    server.forbidden.delete('k');
    for (const what of [{ name: '..' }, { name: 'a/b' }, { version: '../x' }, { name: '' }]) {
      await refuses(azure(what), /is none of Azure Key Vault/);
    }
  });

  test('gets a token at hosts of Azure alone', async () => {
    assert.equal(azureVaultScope('https://v.vault.azure.net'), 'https://vault.azure.net/.default');
    assert.equal(azureVaultScope('https://v.vault.azure.cn/'), 'https://vault.azure.cn/.default');
    for (const address of [
      'https://evil.example',
      'https://vault.azure.net',
      'http://v.vault.azure.net',
      'https://v.vault.azure.net:444',
      'https://v.vault.azure.net.evil.example',
      'https://v.vault.azure.net@evil.example',
      'https://a.b.vault.azure.net',
      'none',
    ]) {
      assert.throws(() => azureVaultScope(address), /no address of Azure Key Vault/, address);
      await refuses(azure({ address }), /no address of Azure Key Vault/);
    }
    assert.deepEqual(server.asked, []);
  });
});

const services: [string, (ms?: number) => Promise<Buffer>][] = [
  ['AWS KMS', (ms) => aws({}, {}, ms)],
  ['GCP KMS', (ms) => gcp(undefined, undefined, undefined, ms)],
  ['Azure Key Vault', (ms) => azure({}, undefined, undefined, ms)],
];
for (const [service, decrypt] of services) {
  const answering = (answer: (response: ServerResponse) => void) => {
    let count = 0;
    server.intercept = (_, response) => {
      count += 1;
      answer(response);
      return true;
    };
    return () => count;
  };

  test(`${service} that hangs, sends elsewhere, says nonsense or too much`, async () => {
    answering(() => undefined);
    await refuses(decrypt(200), /did not answer in time$/);
    const moved = answering((response) => response.writeHead(307, { location: '/x' }).end());
    await refuses(decrypt(), /answered 307/);
    assert.equal(moved(), 1);
    answering((response) => response.end('<html>s3cret'));
    await refuses(decrypt(), /gave no plain text/);
    answering((response) => response.end('null'));
    await refuses(decrypt(), /gave no plain text/);
    answering((response) => response.end('x'.repeat(200_000)));
    await refuses(decrypt(), /more than 65536 bytes/);
  });

  test(`${service} that is busy for a moment is asked again, and no more than that`, async () => {
    let left = 2;
    server.intercept = (_, response) => {
      if (left-- <= 0) return false;
      response.writeHead(503).end();
      return true;
    };
    assert.equal((await decrypt()).toString(), KEY);
    const count = answering((response) => response.writeHead(500).end());
    await refuses(decrypt(), /answered 500/);
    assert.equal(count(), 3);
  });
}
