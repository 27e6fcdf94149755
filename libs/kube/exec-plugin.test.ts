import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ClusterAccess } from './access.ts';
import { CredentialError } from './errors.ts';
import { execCredentials } from './exec-plugin.ts';

const access: ClusterAccess = { server: 'https://one.example', insecure: false, credentials: {} };

function source(script: string, env: [string, string][] = []) {
  const plugin = {
    command: process.execPath,
    apiVersion: 'client.authentication.k8s.io/v1',
    args: ['-e', script],
    env,
    provideClusterInfo: true,
  };
  return execCredentials(access, plugin);
}

it('gives what the program prints, and runs it again after a refusal', async () => {
  const print = `console.log(JSON.stringify({ status: { token: 't' + process.pid } }))`;
  const credentials = source(print);
  const first = await credentials.current();
  assert.match(first.authorization ?? '', /^Bearer t\d+$/);
  assert.equal(await credentials.current(), first);
  credentials.renew(first);
  assert.notEqual((await credentials.current()).authorization, first.authorization);
});

it('gives the program nothing of the service', async (t) => {
  process.env.WEIR_SECRET_OF_A_TEST = 'hidden';
  t.after(() => delete process.env.WEIR_SECRET_OF_A_TEST);
  const print = `const names = Object.keys(process.env).sort().join();
const { spec } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
console.log(JSON.stringify({ status: { token: names + '|' + spec.cluster.server } }))`;
  const { authorization = '' } = await source(print, [['OWN', 'x']]).current();
  assert.match(
    authorization,
    /^Bearer (HOME,)?KUBERNETES_EXEC_INFO,OWN,PATH\|https:\/\/one\.example$/,
  );
});

it('quotes nothing of a program that fails', async () => {
  const refuses = (script: string, message: RegExp) =>
    assert.rejects(
      async () => source(script).current(),
      (error) => {
        assert.ok(error instanceof CredentialError);
        assert.match(error.message, message);
        assert.ok(!error.message.includes('s3cr3t'), error.message);
        return true;
      },
    );
  await refuses(`console.error('s3cr3t'); process.exit(3)`, /exit code 3$/);
  await refuses(`console.log('s3cr3t')`, /printed no ExecCredential/);
  await refuses(
    `console.log(JSON.stringify({ status: { token: 'a\\r\\nb' } }))`,
    /no ExecCredential/,
  );
  await refuses(`console.log('s3cr3t'.repeat(100_000))`, /printed too much$|ERR_CHILD_PROCESS/);
});
