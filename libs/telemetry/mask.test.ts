import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_TEXT, maskSecrets, maskUrl } from './mask.ts';

const KEY = 'k3yk3yk3yk3yk3yk3yk3y';

describe('maskSecrets', () => {
  const cases: [string, string][] = [
    ['https://me:pa55@git.example/x.git', 'https://***@git.example/x.git'],
    ['https://ghp_abc@git.example/x', 'https://***@git.example/x'],
    ['https://u:p@ss@host/x and http://a:b@c', 'https://***@host/x and http://***@c'],
    ["unable to access 'https://u:p'ss@host/x'", "unable to access 'https://***@host/x'"],
    ['https://u:pa/ss@host/x', 'https://***@host/x'],
    ['https://u:7a?ss@host/x', 'https://***@host/x'],
    ['https://host:8443/@scope/x', 'https://host:8443/@scope/x'],
    ['https://[fd00::1]:80/@scope', 'https://[fd00::1]:80/@scope'],
    ['ssh://git@host/x', 'ssh://git@host/x'],
    ['ssh://git:pw@host/x', 'ssh://***@host/x'],
    ['fatal: x-access-token:abc@github.com/x', 'fatal: x-access-token:***@github.com/x'],
    ['Authorization: Bearer abcdefghijkl.m-n', 'Authorization: Bearer ***'],
    ['authorization: token abc', 'authorization: token ***'],
    ['got Basic dTpwdw== back', 'got Basic *** back'],
    ['Basic authentication failed', 'Basic authentication failed'],
    ['Deployment/apps/cookie: not ready', 'Deployment/apps/cookie: not ready'],
    ['roles.rbac.authorization: no', 'roles.rbac.authorization: no'],
    [
      '{"user":"a","password":"b\\"c", "token" : "d"}',
      '{"user":"a","password":"***", "token" : "***"}',
    ],
    ['host=a password=b sslmode=c', 'host=a password=*** sslmode=c'],
    ['git --auth-token=abc push', 'git --auth-token=*** push'],
    ['label app.example/token=x', 'label app.example/token=***'],
    ['PRIVATE-TOKEN: abc', 'PRIVATE-TOKEN: ***'],
    ['Set-Cookie: a=b; c=d', 'Set-Cookie: ***'],
    ['GET https://h/x?access_token=abc&b=1', 'GET https://h/x?access_token=***&b=1'],
    [
      'https://h/x?private_token=abc;client_secret=d',
      'https://h/x?private_token=***;client_secret=***',
    ],
    [
      'https://h/x?se=1&sig=a%2Fb&X-Amz-Signature=c',
      'https://h/x?se=1&sig=***&X-Amz-Signature=***',
    ],
    ['https://h/back#access_token=abc', 'https://h/back#access_token=***'],
    ['{"u":"https://h/x?a=1\\u0026token=abc"}', '{"u":"https://h/x?a=1\\u0026token=***"}'],
    ['https://hooks.slack.com/services/T0/B0/abc', 'https://hooks.slack.com/services/***'],
    [
      'https://open.feishu.cn/open-apis/bot/v2/hook/a-b',
      'https://open.feishu.cn/open-apis/bot/v2/hook/***',
    ],
    ['https://discord.com/api/webhooks/1/abc', 'https://discord.com/api/webhooks/***'],
    ['https://api.telegram.org/bot123:abc/sendMessage', 'https://api.telegram.org/bot***'],
    ['https://x.webhook.office.com/webhookb2/a@b/c', 'https://x.webhook.office.com/webhookb2/***'],
    [`https://chat.example/hooks/${KEY}`, 'https://chat.example/hooks/***'],
    ['https://git.example/webhooks/app.git', 'https://git.example/webhooks/app.git'],
    ['mail a@b.c about https://host/@scope/x', 'mail a@b.c about https://host/@scope/x'],
    ['the token ghp_0123456789abcdef is refused', 'the token *** is refused'],
    ['eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl', '***'],
    ['deployment global-rate-limiter-of-tenants', 'deployment global-rate-limiter-of-tenants'],
    [
      'read -----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY----- twice',
      'read -----BEGIN OPENSSH PRIVATE KEY-----***-----END OPENSSH PRIVATE KEY----- twice',
    ],
    [
      '-----BEGIN RSA PRIVATE KEY-----\nabc',
      '-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----',
    ],
    ['-----BEGIN CERTIFICATE-----\nabc', '-----BEGIN CERTIFICATE-----\nabc'],
  ];
  for (const [text, expected] of cases) {
    it(JSON.stringify(text), () => {
      assert.equal(maskSecrets(text), expected);
      assert.equal(maskSecrets(expected), expected, 'masking twice is masking once');
    });
  }
});

describe('maskUrl', () => {
  const cases: [string, string][] = [
    ['https://u:p@h/x.git?sv=1&anything=abc', 'https://***@h/x.git?sv=***&anything=***'],
    ['https://h/x?abc', 'https://h/x?***'],
    ['https://h/page#place', 'https://h/page#place'],
    ['https://h/page#id_token=abc&x=y', 'https://h/page#id_token=***&x=***'],
    ['https://proxy/?u=https://u:p@h/?t=1', 'https://proxy/?u=***?t=***'],
    ['two https://a/?x=1 and "https://b/?y=2"', 'two https://a/?x=*** and "https://b/?y=***"'],
    ['nats://u:p@h:4222', 'nats://***@h:4222'],
    ['no?address=here', 'no?address=here'],
  ];
  for (const [text, expected] of cases) {
    it(text, () => {
      assert.equal(maskUrl(text), expected);
      assert.equal(maskUrl(expected), expected, 'masking twice is masking once');
    });
  }
});

describe('a hostile text', () => {
  const hostile: [string, string][] = [
    ['schemes', 'a://'],
    ['user names', 'https://a:b'],
    ['passwords without an end', 'https://a:b://'],
    ['signs', '@'],
    ['parameters', '?a=&token='],
    ['names of parameters', '?aaaaaaaaaaaaaaaa'],
    ['key headers', '-----BEGIN PRIVATE KEY'],
    ['keys', '-----BEGIN PRIVATE KEY-----'],
    ['web tokens', '-eyJ'],
    ['web tokens with dots', 'eyJaaaaaaaa.'],
    ['token users', 'oauth2:'],
    ['words', 'a'],
    ['blanks', 'Bearer    '],
    ['headers', 'authorization: x-a-token: cookie:'],
    ['paths', 'https://hooks/hook/webhooks/'],
    ['quotes', '\\"'],
    ['fields', '"password":"\\\\'],
    ['assignments', '--a-password'],
  ];
  for (const [name, unit] of hostile) {
    it(`of 16 MB of ${name} is cut and masked at once`, () => {
      const text = unit.repeat(Math.ceil(16_000_000 / unit.length));
      const start = performance.now();
      for (const mask of [maskSecrets, maskUrl]) {
        const masked = mask(text);
        assert.ok(masked.length <= MAX_TEXT + 100);
        assert.match(masked, /\[cut: the text has 16\d{6} characters\]$/);
      }
      assert.ok(performance.now() - start < 1_000, `${performance.now() - start} ms`);
    });
  }

  it('hides a secret that the cut goes through', () => {
    for (let gap = 0; gap < 40; gap++) {
      const text = `${'x'.repeat(MAX_TEXT - gap)} https://user:geheim@host/ ${'y'.repeat(10_000)}`;
      assert.doesNotMatch(maskSecrets(text), /geh|user/);
    }
    for (let gap = 4_060; gap < 4_110; gap++) {
      const text = `${'x'.repeat(MAX_TEXT + gap)} https://user:geheim@host/ ${'y'.repeat(10_000)}`;
      assert.doesNotMatch(maskSecrets(text), /geh|user/);
    }
  });
});
