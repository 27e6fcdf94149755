import { deepEqual, equal, match, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { parseChallenge } from './challenge.ts';
import { OciError } from './errors.ts';
import { checkRealm } from './realm.ts';

test('the challenge that registries use is read, in any company', () => {
  const read = (header: string) => {
    const challenge = parseChallenge(header);
    return challenge && [challenge.scheme, Object.fromEntries(challenge.parameters)];
  };
  const realm = 'https://auth.example.com/token';
  deepEqual(read(`Bearer realm="${realm}",service="a b",scope="repository:a:pull,push"`), [
    'bearer',
    { realm, service: 'a b', scope: 'repository:a:pull,push' },
  ]);
  deepEqual(read('Basic realm="a \\"quoted\\" one"'), ['basic', { realm: 'a "quoted" one' }]);
  deepEqual(read(`Negotiate, BEARER realm = ${'token'} , Service="s"`), [
    'bearer',
    { realm: 'token', service: 's' },
  ]);
  deepEqual(read('Basic'), ['basic', {}]);
  for (const none of ['', 'Negotiate', '"', 'a=b', '=', `Bearer ${'x'.repeat(9_000)}`]) {
    equal(read(none), undefined, none);
  }
  equal(parseChallenge(undefined), undefined);
});

test('a token server at an address that is not public is refused, unless it is the registry', () => {
  const check = (realm: string, registry = 'https://registry.example.com') =>
    checkRealm(realm, new URL(registry));
  const refused = [
    ...['https://127.0.0.1/token', 'https://10.0.0.1/', 'https://192.168.1.1/', 'https://[::1]/'],
    ...['https://169.254.169.254/latest', 'https://[fd00::1]/', 'https://2130706433/token'],
    ...['https://[::ffff:10.0.0.1]/', 'https://100.64.1.1/', 'https://0x7f.1/', 'https://0.0.0.0/'],
    ...['http://auth.example.com/token', 'file:///etc/passwd', 'gopher://x', 'token', ''],
  ];
  for (const realm of refused) {
    throws(
      () => check(realm),
      (error: unknown) => error instanceof OciError && error.reason === 'Refused',
      realm,
    );
  }
  throws(
    () => check('https://127.0.0.1:1/'),
    (error: unknown) => {
      match(String(error), /realm host "127\.0\.0\.1" is a private or link-local address$/);
      return true;
    },
  );
  equal(check('https://auth.example.com/token?a=b').href, 'https://auth.example.com/token?a=b');
  equal(check('https://10.0.0.1:5000/token', 'https://10.0.0.1:5000').port, '5000');
  throws(() => check('https://10.0.0.1:5001/token', 'https://10.0.0.1:5000'), OciError);
  equal(check('http://localhost:1/token', 'http://127.0.0.1:5000').host, 'localhost:1');
  equal(check('https://user:password@auth.example.com/').href, 'https://auth.example.com/');
});
