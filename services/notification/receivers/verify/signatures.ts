// Types whose callers sign the body with the token.
import { createHmac } from 'node:crypto';
import {
  type Call,
  CallRefused,
  checkEvent,
  headerOf,
  isSame,
  tokenOf,
  type Verify,
} from './request.ts';

const SIGNATURE = /^(sha1|sha256|sha512)=([0-9a-f]+)$/i;
const GITHUB_TYPES = ['application/json', 'application/x-www-form-urlencoded'];

/** `X-Signature: sha256=<hex>`, or another hash. Format: Flux's "Generic HMAC" receiver. */
export const genericHmac: Verify = (call, verifying) => {
  checkSignature(call, headerOf(call, 'x-signature'), tokenOf(verifying));
  return {};
};

/** GitHub: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries */
export const github: Verify = (call, verifying) => {
  checkType(call);
  const signature = headerOf(call, 'x-hub-signature-256') || headerOf(call, 'x-hub-signature');
  checkSignature(call, signature, tokenOf(verifying));
  checkEvent(verifying, headerOf(call, 'x-github-event'));
  return { ...formPayload(call) };
};

/** Bitbucket Server: https://confluence.atlassian.com/bitbucketserver/manage-webhooks-938025878.html */
export const bitbucket: Verify = (call, verifying) => {
  checkType(call);
  checkSignature(call, headerOf(call, 'x-hub-signature'), tokenOf(verifying));
  checkEvent(verifying, headerOf(call, 'x-event-key'));
  return {};
};

/** Nexus Repository: HMAC-SHA1 in lower-case hex (https://help.sonatype.com/en/working-with-hmac-payloads.html). */
export const nexus: Verify = (call, verifying) => {
  const wanted = createHmac('sha1', tokenOf(verifying)).update(call.body).digest('hex');
  const given = headerOf(call, 'x-nexus-webhook-signature');
  if (!isSame(Buffer.from(given), Buffer.from(wanted))) throw new CallRefused('bad signature');
  return {};
};

function checkSignature({ body }: Call, signature: string, token: Buffer): void {
  const [, hash = '', hex = ''] = SIGNATURE.exec(signature) ?? [];
  if (hash === '') throw new CallRefused('there is no signature, or none that is known');
  const wanted = createHmac(hash.toLowerCase(), token).update(body).digest();
  if (!isSame(Buffer.from(hex, 'hex'), wanted)) throw new CallRefused('bad signature');
}

function checkType(call: Call): void {
  const [type = ''] = headerOf(call, 'content-type').split(';');
  if (GITHUB_TYPES.includes(type.trim().toLowerCase())) return;
  throw new CallRefused('the content type is neither JSON nor a form');
}

/** In a form the payload is a field. */
function formPayload(call: Call): { request?: unknown } {
  if (
    !headerOf(call, 'content-type')
      .toLowerCase()
      .startsWith(GITHUB_TYPES[1] ?? '')
  )
    return {};
  const payload = new URLSearchParams(call.body.toString('utf8')).get('payload') ?? '';
  try {
    return { request: JSON.parse(payload) as unknown };
  } catch {
    // If the body is no JSON, an expression that uses it fails, as with any other body.
    return {};
  }
}
