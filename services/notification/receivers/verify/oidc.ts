// Types whose callers send an ID token of OpenID Connect.
import type { ReceiverSpec } from '@weir/api';
import { type KeysOf, keysIn } from './issuers.ts';
import { checkClaims, isSigned, type Jwt, readJwt } from './jwt.ts';
import {
  type Call,
  CallRefused,
  headerOf,
  isRecord,
  isSame,
  jsonOf,
  type Verify,
  type Verifying,
} from './request.ts';

type OidcProvider = NonNullable<ReceiverSpec['oidcProviders']>[number];

const AUDIENCE = 'notification-controller';
const GOOGLE_KEYS = 'https://www.googleapis.com/oauth2/v3/certs';
const GOOGLE = ['accounts.google.com', 'https://accounts.google.com'];

/** A token of one of the Receiver's issuers whose claims pass its expressions. */
export function genericOidc(keysOf: KeysOf): Verify {
  return async (call, verifying) => {
    const jwt = readJwt(bearerOf(call));
    const { oidcProviders = [] } = verifying.receiver.spec;
    const provider = oidcProviders.find(({ issuerURL }) => issuerURL === jwt.claims.iss);
    if (provider === undefined) throw new CallRefused('the token is of an unknown issuer');
    const { namespace = '' } = verifying.receiver.metadata;
    const read = () => discover(provider.issuerURL, verifying);
    await checkSigned(jwt, `${namespace} ${provider.issuerURL}`, read, keysOf);
    checkClaims(jwt, provider.audience || AUDIENCE);
    await checkExpressions(jwt, provider, verifying);
    return { claims: jwt.claims };
  };
}

/**
 * Google Pub/Sub, which pushes what happens in Google's registries: the token must be signed by Google, for the audience
 * and with the verified email that the Secret names (CVE-2026-40109: without the email anybody at Google may call).
 */
export function gcr(keysOf: KeysOf): Verify {
  return async (call, verifying) => {
    const text = (key: string) => verifying.secret.get(key)?.toString('utf8').trim() ?? '';
    const [email, audience] = [text('email'), text('audience')];
    if (!email || !audience) throw new CallRefused("the secret lacks 'email' or 'audience'");
    const jwt = readJwt(bearerOf(call));
    const read = async () => keysIn(await verifying.fetchJson(GOOGLE_KEYS));
    await checkSigned(jwt, 'google', read, keysOf);
    checkClaims(jwt, audience);
    const { iss, email: of, email_verified: isVerified } = jwt.claims;
    if (!GOOGLE.includes(String(iss))) throw new CallRefused('the token is not of Google');
    const isOwn = typeof of === 'string' && isSame(Buffer.from(of), Buffer.from(email));
    if (isVerified !== true || !isOwn) {
      throw new CallRefused('the token is of another service account');
    }
    return { request: pushed(call) };
  };
}

/** The data in the envelope of Pub/Sub: JSON in Base64 (https://cloud.google.com/pubsub/docs/push#receive_push). */
function pushed(call: Call): unknown {
  const body = jsonOf(call);
  const message = isRecord(body) ? body.message : undefined;
  const data = isRecord(message) ? message.data : undefined;
  if (typeof data !== 'string') throw new CallRefused('the body is no message of Pub/Sub');
  const inner = jsonOf({ headers: {}, body: Buffer.from(data, 'base64') });
  const names = ['action', 'digest', 'tag'];
  const isPush =
    isRecord(inner) &&
    names.every((name) => ['string', 'undefined'].includes(typeof (inner[name] ?? undefined)));
  if (!isPush) throw new CallRefused('the message is not one of a registry');
  return inner;
}

function bearerOf(call: Call): string {
  const [, token] = /^Bearer +(\S+)$/i.exec(headerOf(call, 'authorization')) ?? [];
  if (token === undefined) throw new CallRefused('there is no bearer token');
  return token;
}

async function checkSigned(
  jwt: Jwt,
  issuer: string,
  read: () => Promise<ReturnType<typeof keysIn>>,
  keysOf: KeysOf,
): Promise<void> {
  let found = isSigned(jwt, await keysOf(issuer, read));
  // Issuers replace their keys.
  if (!found.known) found = isSigned(jwt, await keysOf(issuer, read, { fresh: true }));
  if (!found.good) throw new CallRefused('the token is not signed by its issuer');
}

/** OpenID Connect Discovery 1.0, 4. */
async function discover(issuer: string, { fetchJson }: Verifying) {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const configuration = await fetchJson(url);
  const { issuer: named, jwks_uri: keys } = isRecord(configuration) ? configuration : {};
  if (named !== issuer || typeof keys !== 'string') {
    throw new CallRefused('the issuer does not describe itself as OpenID Connect wants it');
  }
  return keysIn(await fetchJson(keys));
}

async function checkExpressions(
  { claims }: Jwt,
  { variables = [], validations }: OidcProvider,
  { evaluate }: Verifying,
): Promise<void> {
  const vars: Record<string, unknown> = {};
  const value = async (expression: string) => {
    try {
      return await evaluate(expression, { claims, vars });
    } catch (cause) {
      throw new CallRefused('an expression over the claims fails', { cause });
    }
  };
  for (const { name, expression } of variables) vars[name] = await value(expression);
  const failed: string[] = [];
  for (const { expression, message } of validations) {
    if ((await value(expression)) !== true) failed.push(message);
  }
  if (failed.length > 0) {
    throw new CallRefused('a validation of the claims fails', { answer: `${failed.join('\n')}\n` });
  }
}
