import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { signSsh } from './ssh-sign.ts';
import { ed25519InPkcs8 } from './testing/index.ts';
import { verifySignature } from './verify.ts';

const timeoutMs = 20_000;
const payload = Buffer.from('what is signed\n');

async function key(t: TestContext, type: string, passphrase = '') {
  const dir = await mkdtemp(join(tmpdir(), 'weir-key-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, 'key');
  await promisify(execFile)('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-f', file]);
  const read = (name: string) => readFile(name, 'utf8');
  return { identity: await read(file), publicKey: await read(`${file}.pub`) };
}

test('a key of type ed25519 in PKCS 8 signs', async () => {
  const own = ed25519InPkcs8();
  const signature = await signSsh(payload, { identity: own.private }, { timeoutMs });
  const keys = { openpgp: [], ssh: [own.public] };
  assert.match(await verifySignature({ payload, signature }, keys, { timeoutMs }), /^SHA256:/);
});

for (const [type, passphrase] of [
  ['ed25519', ''],
  ['ed25519', 'hunter2'],
  ['ecdsa', ''],
  ['rsa', 'hunter2'],
] as const) {
  test(`a key of type ${type}${passphrase && ' with a passphrase'} signs`, async (t) => {
    const { identity, publicKey } = await key(t, type, passphrase);
    const signature = await signSsh(payload, { identity, passphrase }, { timeoutMs });
    const keys = { openpgp: [], ssh: [publicKey] };
    assert.match(await verifySignature({ payload, signature }, keys, { timeoutMs }), /^SHA256:/);
    const other = { payload: Buffer.from('else'), signature };
    await assert.rejects(verifySignature(other, keys, { timeoutMs }));
  });
}

test('what is no key, or is locked, is refused and leaves nothing behind', async (t) => {
  const before = (await readdir(tmpdir())).filter((name) => name.startsWith('weir-sign-'));
  const { identity } = await key(t, 'ed25519', 'hunter2');
  await assert.rejects(signSsh(payload, { identity: 'junk' }, { timeoutMs }), {
    reason: 'InvalidArgument',
  });
  await assert.rejects(signSsh(payload, { identity, passphrase: 'no' }, { timeoutMs }), {
    reason: 'AuthenticationFailed',
  });
  const after = (await readdir(tmpdir())).filter((name) => name.startsWith('weir-sign-'));
  assert.deepEqual(after, before);
});
