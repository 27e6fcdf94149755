import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, type TestContext, test } from 'node:test';
import { createLogger } from '@weir/telemetry';
import {
  buildDecryptor,
  createDecryption,
  type DecryptionKeys,
  type DecryptionOptions,
  type RenderError,
  type UnwrapKey,
} from './index.ts';
import { type Files, packFiles } from './testing/artifact.ts';
import { openPool, until } from './testing/pool.ts';

const log = createLogger({ service: 'test', level: 'fatal' });
const SECRET = 's3cret';
const CONFIG_MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n';
const origin = "sops decryption Secret 'apps/keys'";
const NO_KEYS: DecryptionKeys = { origin, age: [], pgp: [] };
let keys: DecryptionKeys;

function sample(name: string): Promise<string> {
  return readFile(new URL(`./decryptor/testdata/${name}`, import.meta.url), 'utf8');
}

before(async () => {
  await buildDecryptor();
  keys = {
    origin,
    age: [{ name: 'identity.agekey', text: await sample('identity.agekey') }],
    pgp: [{ name: 'identity.asc', text: await sample('identity.asc') }],
  };
});

const noService: UnwrapKey = async () => {
  throw new Error('no key management service is asked here');
};

function decryptionOf(t: TestContext, options: Partial<DecryptionOptions> = {}) {
  const decryption = createDecryption({ keys, unwrap: noService, log, ...options });
  t.after(() => decryption.close());
  return decryption;
}

async function build(t: TestContext, files: Files, options: Partial<DecryptionOptions> = {}) {
  const pool = await openPool(t);
  const decryption = decryptionOf(t, options);
  await decryption.open();
  const artifact = await packFiles(t, files);
  const built = await pool.build({ artifact, path: 'app', decryption }, { tenant: 'apps' });
  return { ...built, decryption };
}

test('whole Secrets, by age, OpenPGP and both', async (t) => {
  for (const name of ['age', 'pgp', 'both']) {
    const { objects, trace } = await build(t, {
      'app/a.yaml': await sample(`${name}.secret.yaml`),
    });
    const [secret] = objects;
    deepEqual(secret?.data, { password: btoa(SECRET), user: btoa('admin') }, name);
    equal(secret?.sops, undefined);
    ok(!JSON.stringify(trace).includes(SECRET));
  }
});

test('what generators and patches read, in every format', async (t) => {
  const { objects } = await build(t, {
    'app/kustomization.yaml': [
      'resources: [cm.yaml]',
      'patches: [{path: patch.yaml}]',
      'secretGenerator:',
      '- name: made',
      '  options: {disableNameSuffixHash: true}',
      '  envs: [values.env]',
      '  files: [config.json, config.ini, config.yaml, blob, plain]',
    ].join('\n'),
    'app/cm.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: patched}\n',
    'app/patch.yaml': await sample('age.patch.yaml'),
    'app/values.env': await sample('age.values.env'),
    'app/config.json': await sample('age.config.json'),
    'app/config.ini': await sample('age.config.ini'),
    'app/config.yaml': await sample('age.config.yaml'),
    'app/blob': await sample('age.blob'),
    'app/plain': 'as it is',
  });
  const [configMap, secret] = objects;
  deepEqual(configMap?.data, { password: SECRET });
  const data = secret?.data as Record<string, string>;
  deepEqual(Object.fromEntries(Object.entries(data).map(([name, value]) => [name, atob(value)])), {
    USER: 'admin',
    PASSWORD: SECRET,
    'config.json': `{\n\t"password": "${SECRET}",\n\t"retries": 3\n}\n`,
    'config.ini': `[database]\npassword = ${SECRET}\n`,
    'config.yaml': `password: ${SECRET}\nlist:\n    - a\n    - b\n`,
    blob: `${SECRET}\0\u0001\n`,
    plain: 'as it is',
  });
});

test('a key management service is asked once for files that were encrypted together', async (t) => {
  const asked: string[] = [];
  const unwrap: UnwrapKey = async (key) => {
    asked.push(`${key.kind} ${key.address} ${key.path} ${key.name}`);
    return Buffer.from(key.wrapped.replace('vault:v1:', ''), 'base64');
  };
  const secret = await sample('vault.secret.yaml');
  const files = {
    'app/a.yaml': secret,
    'app/b.yaml': secret.replace('name: whole', 'name: other'),
  };
  const { objects } = await build(t, files, { keys: NO_KEYS, unwrap });
  equal(objects.length, 2);
  deepEqual(asked, ['vault https://vault.example sops first']);
});

test('failures name the file or object and the key, and show nothing of the secret', async (t) => {
  const refuse: UnwrapKey = async () => {
    throw new Error('Vault answered 403 permission denied');
  };
  const cases: [string, Partial<DecryptionOptions>, RegExp][] = [
    ['age', { keys: NO_KEYS }, /Secret\.v1\.\[noGrp\]\/whole.*cannot get sops data key.*age12j9/s],
    ['pgp', { keys: { ...keys, pgp: [] } }, /cannot get sops data key.*no OpenPGP keys/s],
    ['vault', { unwrap: refuse }, /sops\/keys\/first.*403/s],
    ['age', { keys: NO_KEYS, binary: '/nowhere/weir-decryptor' }, /can't start/],
  ];
  for (const [name, options, message] of cases) {
    const files = { 'app/a.yaml': await sample(`${name}.secret.yaml`) };
    await rejects(build(t, files, options), (error: RenderError) => {
      equal(error.reason, 'BuildFailed');
      match(error.message, message);
      ok(!error.message.includes(SECRET) && !error.message.includes('AGE-SECRET'), error.message);
      return true;
    });
  }
});

test('keys that can not be used fail before the build, and are not shown', async (t) => {
  for (const bad of [
    { ...NO_KEYS, age: [{ name: 'bad.agekey', text: SECRET }] },
    { ...NO_KEYS, pgp: [{ name: 'bad.asc', text: SECRET }] },
  ]) {
    await rejects(decryptionOf(t, { keys: bad }).open(), (error: RenderError) => {
      match(
        error.message,
        /^failed to import 'bad\..*' data from sops decryption Secret 'apps\/keys': /,
      );
      ok(!error.message.includes(SECRET), error.message);
      return true;
    });
  }
});

test('a process ends with the build', async (t) => {
  const none = await build(t, { 'app/a.yaml': CONFIG_MAP }, { keys: NO_KEYS });
  equal(none.decryption.pid(), undefined);
  const { decryption } = await build(t, { 'app/a.yaml': await sample('age.secret.yaml') });
  const pid = decryption.pid() ?? 0;
  process.kill(pid, 0);
  decryption.close();
  await until(() => !isRunning(pid), 'the process has ended');
  const { signal } = new AbortController();
  await rejects(decryption.callbacks('decrypt', {}, signal), { reason: 'Closed' });
});

test('no process that decrypts or builds has a key or a variable of the service in its environment', async (t) => {
  process.env.VAULT_TOKEN = 'hvs.of-the-operator';
  t.after(() => {
    delete process.env.VAULT_TOKEN;
  });
  const pool = await openPool(t);
  const decryption = decryptionOf(t);
  await decryption.open();
  const artifact = await packFiles(t, { 'app/a.yaml': await sample('age.secret.yaml') });
  await pool.build({ artifact, path: 'app', decryption }, { tenant: 'apps' });
  const pids = [decryption.pid() ?? 0, ...pool.pids()];
  equal(pids.length, 2);
  for (const pid of pids) {
    const [environment, command] = await Promise.all(
      ['environ', 'cmdline'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8')),
    );
    equal(environment, '');
    match(command ?? '', /weir-(engine|decryptor)/);
    ok(!/AGE-SECRET|BEGIN PGP|hvs\./.test(command ?? ''));
  }
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
