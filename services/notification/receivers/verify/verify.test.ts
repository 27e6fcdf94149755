// The attacks on webhooks: the calls that must be refused, beside the recorded ones.
import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import { Receiver, type ReceiverSpec } from '@weir/api';
import { CallRefused, isSame, type Verifying } from './request.ts';
import { createVerify } from './types.ts';

const TOKEN = 'token-of-the-receiver';
const verify = createVerify();

function verifying(spec: Partial<ReceiverSpec>, more: Partial<Verifying> = {}): Verifying {
  const metadata = { name: 'r', namespace: 'apps' };
  const { apiVersion } = Receiver;
  return {
    receiver: {
      apiVersion,
      kind: 'Receiver',
      metadata,
      spec: { type: 'generic', resources: [], ...spec },
    },
    secret: new Map([['token', Buffer.from(TOKEN)]]),
    fetchJson: () => assert.fail('no issuer is asked'),
    evaluate: () => assert.fail('there is no expression'),
    ...more,
  };
}

const call = (headers: Record<string, string>, body = '{}') => ({
  headers,
  body: Buffer.from(body),
});
const refused = (check: () => unknown) =>
  assert.rejects(
    async () => check(),
    (error: unknown) => error instanceof CallRefused,
  );

describe('a signature', () => {
  const signed = (text: string, hash = 'sha256', key = TOKEN) =>
    `${hash}=${createHmac(hash, key).update(text).digest('hex')}`;

  it('counts for the bytes that came, and no others', async () => {
    const body = '{"a": 1}';
    const it = verifying({ type: 'generic-hmac' });
    await verify['generic-hmac'](call({ 'x-signature': signed(body) }, body), it);
    for (const other of ['{"a":1}', `${body} `, '', '{"a": 2}']) {
      await refused(() => verify['generic-hmac'](call({ 'x-signature': signed(body) }, other), it));
    }
  });

  it('of another key, hash or length is none', async () => {
    const it = verifying({ type: 'generic-hmac' });
    const good = signed('{}');
    const bad = [signed('{}', 'sha256', 'other'), good.slice(0, -2), `${good}00`, 'sha256=', ''];
    for (const given of [...bad, signed('{}', 'md5'), `none=${good}`, `${good}, ${good}`]) {
      await refused(() => verify['generic-hmac'](call({ 'x-signature': given }), it));
    }
  });

  it('of an older hash does not help one that is wrong', async () => {
    const it = verifying({ type: 'github' });
    const headers = {
      'content-type': 'application/json',
      'x-hub-signature-256': 'sha256=00',
      'x-hub-signature': signed('{}', 'sha1'),
    };
    await refused(() => verify.github(call(headers), it));
  });
});

describe('a token', () => {
  it('must be the whole token', async () => {
    const it = verifying({ type: 'gitlab' });
    await verify.gitlab(call({ 'x-gitlab-token': TOKEN }), it);
    for (const given of ['', TOKEN.slice(1), `${TOKEN} `, TOKEN.toUpperCase()]) {
      await refused(() => verify.gitlab(call({ 'x-gitlab-token': given }), it));
    }
    await refused(() => verify.gitlab(call({}), it));
  });

  it('is compared in one way, whatever is given', () => {
    assert.equal(isSame(Buffer.from('a'), Buffer.from('ab')), false);
    assert.equal(isSame(Buffer.from('ab'), Buffer.from('ab')), true);
    assert.equal(isSame(Buffer.alloc(0), Buffer.from('ab')), false);
  });
});

describe('a token of an issuer', () => {
  const keyOf = () => generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const { privateKey, publicKey } = keyOf();
  const keys = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1' }] };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1_000);
  const GOOD = {
    iss: 'https://accounts.google.com',
    aud: 'https://weir.example.com',
    email: 'push@p.iam.gserviceaccount.com',
    email_verified: true,
    exp: now + 600,
  };

  function jwt(claims: object, header: object = {}, key: KeyObject = privateKey): string {
    const text = `${part({ alg: 'RS256', kid: 'k1', ...header })}.${part(claims)}`;
    return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
  }
  const data = Buffer.from('{"action":"INSERT","tag":"a:1"}').toString('base64');
  const push = (token: string) =>
    call({ authorization: `Bearer ${token}` }, JSON.stringify({ message: { data } }));
  const google = () =>
    verifying(
      { type: 'gcr' },
      {
        secret: new Map(
          Object.entries({ token: TOKEN, email: GOOD.email, audience: GOOD.aud }).map(
            ([key, value]) => [key, Buffer.from(value)],
          ),
        ),
        fetchJson: async () => keys,
      },
    );

  it('is taken when the issuer signed it, for this audience and of this account', async () => {
    const { request } = await createVerify().gcr(push(jwt(GOOD)), google());
    assert.deepEqual(request, { action: 'INSERT', tag: 'a:1' });
  });

  it('is refused when anything of it is another', async () => {
    const types = createVerify();
    const claims = [
      { ...GOOD, email: 'other@p.iam.gserviceaccount.com' },
      { ...GOOD, email_verified: 'true' },
      { ...GOOD, aud: 'https://other.example.com' },
      { ...GOOD, iss: 'https://evil.example.com' },
      { ...GOOD, exp: now - 1 },
      { ...GOOD, exp: undefined },
      { ...GOOD, nbf: now + 3_600 },
    ];
    for (const each of claims) await refused(() => types.gcr(push(jwt(each)), google()));
  });

  it('of Google for somebody else is refused, however much of it is right (CVE-2026-40109)', async () => {
    const types = createVerify();
    const others = [
      // Anybody at Google has a token that Google signed, for an audience of one's choice.
      { ...GOOD, email: 'somebody@gmail.com' },
      { ...GOOD, email: undefined },
      { ...GOOD, email: '' },
      { ...GOOD, email: [GOOD.email] },
      { ...GOOD, email: `${GOOD.email} ` },
      { ...GOOD, email: GOOD.email.toUpperCase() },
      { ...GOOD, email_verified: undefined },
      { ...GOOD, email_verified: false },
      { ...GOOD, aud: [] },
      { ...GOOD, aud: undefined },
    ];
    for (const each of others) await refused(() => types.gcr(push(jwt(each)), google()));
    // A Secret without the email, or with an empty one, lets nobody in, and not everybody.
    for (const key of ['email', 'audience']) {
      for (const value of [undefined, '', ' ']) {
        const it = google();
        const secret = new Map(it.secret);
        if (value === undefined) secret.delete(key);
        else secret.set(key, Buffer.from(value));
        await refused(() => types.gcr(push(jwt(GOOD)), { ...it, secret }));
        await refused(() =>
          types.gcr(push(jwt({ ...GOOD, [`${key}`]: value })), { ...it, secret }),
        );
      }
    }
  });

  it('is refused when nobody, or somebody else, signed it', async () => {
    const types = createVerify();
    const unsigned = `${part({ alg: 'none' })}.${part(GOOD)}.`;
    const shared = `${part({ alg: 'HS256', kid: 'k1' })}.${part(GOOD)}`;
    const publicPem = publicKey.export({ type: 'spki', format: 'pem' });
    const hmac = createHmac('sha256', publicPem).update(shared).digest('base64url');
    const tokens = [unsigned, `${shared}.${hmac}`, jwt(GOOD, {}, keyOf().privateKey), 'a.b.c', ''];
    for (const token of tokens) await refused(() => types.gcr(push(token), google()));
    await refused(() => types.gcr(push(`${jwt(GOOD)}${'x'.repeat(20_000)}`), google()));
  });

  it('with an unknown key has the issuer asked once more, and not for each token', async () => {
    const types = createVerify();
    let asked = 0;
    const fetchJson = async () => {
      asked += 1;
      return keys;
    };
    const it = { ...google(), fetchJson };
    for (let count = 0; count < 20; count++) {
      await refused(() => types.gcr(push(jwt(GOOD, { kid: `k${count + 2}` })), it));
    }
    assert.equal(asked, 1);
  });
});
