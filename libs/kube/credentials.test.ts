import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { credentialSource, tokenCredentials } from './credentials.ts';
import { CredentialError } from './errors.ts';
import type { Access } from './kubeconfig.ts';

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'weir-credentials-'));
});
after(() => rm(dir, { recursive: true }));

function access(user: object, tokenFile?: string): Access {
  return {
    cluster: { name: 'c', server: 'https://c.example', skipTLSVerify: false },
    user: { name: 'u', ...user },
    ...(tokenFile === undefined ? {} : { tokenFile }),
  };
}

describe('fixed credentials', () => {
  it('are there at once', () => {
    const bearer = credentialSource(access({ token: 'abc\n' })).current();
    assert.deepEqual(bearer, { authorization: 'Bearer abc' });
    const basic = credentialSource(access({ username: 'u', password: 'p' })).current();
    assert.deepEqual(basic, { authorization: 'Basic dTpw' });
    const data = Buffer.from('PEM').toString('base64');
    const certificate = credentialSource(access({ certData: data, keyData: data })).current();
    assert.deepEqual(certificate, { cert: Buffer.from('PEM'), key: Buffer.from('PEM') });
  });
});

describe('a token file', () => {
  it('is read again when the server refuses what was in it', async () => {
    const path = join(dir, 'token');
    await writeFile(path, 'one\n');
    const source = credentialSource(access({}, path));
    const first = await source.current();
    assert.equal(first.authorization, 'Bearer one');
    await writeFile(path, 'two\n');
    assert.equal(source.current(), first, 'cached');
    source.renew(first);
    const second = await source.current();
    assert.equal(second.authorization, 'Bearer two');
    source.renew(first);
    assert.equal(source.current(), second, 'an old refusal does not void new credentials');
  });

  it('that is missing is a clear error', async () => {
    const source = credentialSource(access({}, join(dir, 'nowhere')));
    await assert.rejects(
      async () => source.current(),
      (error) => error instanceof CredentialError && /cannot read .*nowhere/.test(error.message),
    );
  });
});

describe('an exec plugin', () => {
  async function plugin(script: string): Promise<string> {
    const path = join(dir, `plugin-${Math.random()}`);
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    return path;
  }

  it('runs once for many callers, gets its input, and runs again after a refusal', async () => {
    const log = join(dir, 'runs');
    const command = await plugin(`
      echo "$KUBERNETES_EXEC_INFO $FLAVOUR" >> ${log}
      echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t'$(wc -l < ${log})'"}}'`);
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command,
      env: [{ name: 'FLAVOUR', value: 'mint' }],
      provideClusterInfo: true,
    };
    const source = credentialSource(access({ exec }));
    const all = await Promise.all(Array.from({ length: 5 }, () => source.current()));
    assert.deepEqual(new Set(all.map((it) => it.authorization)), new Set(['Bearer t1']));
    const [first] = all;
    assert.ok(first);
    source.renew(first);
    assert.equal((await source.current()).authorization, 'Bearer t2');
    const [line = ''] = (await readFile(log, 'utf8')).split('\n');
    assert.match(line, /"kind":"ExecCredential".*"server":"https:\/\/c\.example".* mint$/);
  });

  it('that fails is named with what it said', async () => {
    const command = await plugin('echo "log in first" >&2; exit 3');
    const source = credentialSource(access({ exec: { command } }));
    await assert.rejects(
      async () => source.current(),
      (error) =>
        error instanceof CredentialError && /plugin-.* failed: log in first/.test(error.message),
    );
  });
});

describe('an auth provider', () => {
  it('goes through KubeConfig', async () => {
    const payload = Buffer.from(JSON.stringify({ exp: 4e9 })).toString('base64url');
    const token = `e30.${payload}.c2ln`;
    const config = { 'id-token': token, 'client-id': 'x', 'refresh-token': 'y' };
    const source = credentialSource(access({ authProvider: { name: 'oidc', config } }));
    assert.equal((await source.current()).authorization, `Bearer ${token}`);
  });
});

describe('requested tokens', () => {
  const { signal } = new AbortController();

  it('are renewed before they end, while the old one goes on', async () => {
    let asked = 0;
    const source = tokenCredentials(async () => {
      asked += 1;
      return { token: `t${asked}`, expiresAt: Date.now() + 60 };
    }, signal);
    assert.equal((await source.current()).authorization, 'Bearer t1');
    assert.equal((await source.current()).authorization, 'Bearer t1');
    const deadline = performance.now() + 5_000;
    while ((await source.current()).authorization === 'Bearer t1') {
      assert.ok(performance.now() < deadline, 'renewed in time');
      await new Promise(setImmediate);
    }
    assert.ok(asked >= 2);
  });

  it('that cannot be obtained make each caller fail, and are requested again', async () => {
    let asked = 0;
    const source = tokenCredentials(async () => {
      asked += 1;
      if (asked === 1) throw new Error('no such account');
      return { token: 'late', expiresAt: Date.now() + 60_000 };
    }, signal);
    await assert.rejects(async () => source.current(), /no such account/);
    assert.equal((await source.current()).authorization, 'Bearer late');
  });
});
