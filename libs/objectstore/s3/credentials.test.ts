import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBucket } from '../index.ts';
import { errorAnswer, listPage, type Script, startScripted } from '../testing/scripted.ts';
import { assumeRoleWithLdap } from './credentials.ts';

const ANSWER = `<?xml version="1.0"?><AssumeRoleWithLDAPIdentityResponse><AssumeRoleWithLDAPIdentityResult><Credentials>
<AccessKeyId>temporary</AccessKeyId><SecretAccessKey>a&amp;b</SecretAccessKey><SessionToken>session</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithLDAPIdentityResult></AssumeRoleWithLDAPIdentityResponse>`;

async function loginAt(script: Script) {
  const server = await startScripted(script);
  const login = {
    endpoint: `http://${server.endpoint}/`,
    username: 'ann',
    password: 'p&ss',
    connection: { allowLocal: true },
  };
  return { ...server, login };
}

test('a login of a directory becomes keys, which sign with their session token', async () => {
  let form = '';
  const sts = await loginAt((_, response, request) => {
    request.on('data', (chunk) => (form += chunk));
    request.on('end', () => response.end(ANSWER));
  });
  const store = await startScripted((_, response) => response.end(listPage([])));
  const bucket = openBucket({
    ...{ endpoint: store.endpoint, bucket: 'bucket', region: 'us-east-1' },
    ...{ insecure: true, allowLocal: true, credentials: sts.login },
  });
  for (let round = 0; round < 2; round++) {
    for await (const page of bucket.list('', { signal: AbortSignal.timeout(5_000) })) {
      assert.deepEqual(page, []);
    }
  }
  assert.equal(sts.requests.length, 1, 'keys are kept until they expire');
  assert.deepEqual(Object.fromEntries(new URLSearchParams(form)), {
    Action: 'AssumeRoleWithLDAPIdentity',
    Version: '2011-06-15',
    LDAPUsername: 'ann',
    LDAPPassword: 'p&ss',
  });
  const headers = store.requests[0]?.headers;
  assert.match(headers?.authorization ?? '', /Credential=temporary\//);
  assert.equal(headers?.['x-amz-security-token'], 'session');
  bucket.close();
  await Promise.all([sts.close(), store.close()]);
});

test('a refusal of the token service has its message, and never the password', async () => {
  const sts = await loginAt((_, response) =>
    response.writeHead(400).end(errorAnswer('InvalidParameterValue', 'LDAP server error: no ann')),
  );
  await assert.rejects(assumeRoleWithLdap(sts.login), ({ message }: Error) => {
    assert.equal(message, 'the STS endpoint gave no credentials: LDAP server error: no ann');
    return true;
  });
  await sts.close();
});

test('what is no token service, sends elsewhere or goes on for ever gives no keys', async () => {
  const html = await loginAt((_, response) => response.end('<html>secret</html>'));
  await assert.rejects(
    assumeRoleWithLdap(html.login),
    /has no credentials: is it a token service\?/,
  );
  const elsewhere = await loginAt((_, response) =>
    response.writeHead(302, { location: html.login.endpoint }).end(),
  );
  await assert.rejects(assumeRoleWithLdap(elsewhere.login), /HTTP status 302/);
  assert.equal(html.requests.length, 1);
  const endless = await loginAt((_, response) => {
    const write = () => !response.destroyed && response.write('x'.repeat(65_536), write);
    write();
  });
  await assert.rejects(assumeRoleWithLdap(endless.login), /too long/);
  const local = { ...html.login, connection: {} };
  await assert.rejects(assumeRoleWithLdap(local), /is a loopback address, which is refused/);
  await Promise.all([html.close(), elsewhere.close(), endless.close()]);
});
