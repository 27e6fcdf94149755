// The assertion by which an application proves that it has a certificate: a token signed with its key ("Microsoft
// identity platform application authentication certificate credentials").
import {
  createHash,
  createPrivateKey,
  type KeyObject,
  randomUUID,
  X509Certificate,
} from 'node:crypto';
import { TokenError } from './errors.ts';
import { signJwt } from './jwt.ts';

interface Certificate {
  certificate: string;
  password?: string | undefined;
  sendChain?: boolean | undefined;
}

/** Seconds. */
const LIFETIME = 600;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN (?:RSA |ENCRYPTED )?PRIVATE KEY-----[^-]+-----END [A-Z ]+-----/;

/** @throws TokenError for a certificate or a key that can't be used */
export function assertionOf(
  { certificate: text, password, sendChain }: Certificate,
  { audience, clientId }: { audience: string; clientId: string },
): string {
  const key = privateKeyOf(text, password);
  const chain = certificatesOf(text);
  const own = chain.find((it) => it.checkPrivateKey(key));
  if (own === undefined) throw new TokenError('the client certificate is not that of its key');
  const header = {
    alg: 'RS256',
    typ: 'JWT',
    x5t: createHash('sha1').update(own.raw).digest('base64url'),
    'x5t#S256': createHash('sha256').update(own.raw).digest('base64url'),
    ...(sendChain ? { x5c: chain.map((it) => it.raw.toString('base64')) } : {}),
  };
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    ...{ aud: audience, iss: clientId, sub: clientId, jti: randomUUID() },
    ...{ nbf: now, exp: now + LIFETIME },
  };
  return signJwt(header, claims, key);
}

function privateKeyOf(text: string, passphrase: string | undefined): KeyObject {
  const pem = PRIVATE_KEY.exec(text)?.[0];
  if (pem === undefined) {
    throw new TokenError(
      'the client certificate has no private key in PEM beside it: a PKCS#12 file has to be converted (openssl pkcs12 -nodes)',
    );
  }
  try {
    const key = createPrivateKey({ key: pem, ...(passphrase ? { passphrase } : {}) });
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch {
    // The message of OpenSSL is left out, as it could quote the key.
    throw new TokenError('the private key of the client certificate can not be read');
  }
  throw new TokenError('the private key of the client certificate is none of RSA');
}

function certificatesOf(text: string): X509Certificate[] {
  try {
    return (text.match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
  } catch {
    throw new TokenError('the client certificate can not be read');
  }
}
