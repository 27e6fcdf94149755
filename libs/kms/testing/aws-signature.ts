// Checks signatures as AWS describes them ("Create a signed AWS API request"), without the package that makes them.
import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export interface AwsUser {
  secretAccessKey: string;
  /** Of keys that are good for a while: what the request has to carry too. */
  sessionToken?: string | undefined;
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([a-z0-9-]+)\/([a-z]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;
const SKEW_MS = 5 * 60_000;

/** The error of AWS for a request that isn't signed as it has to be; undefined for one that is. */
export function checkSignature(
  request: IncomingMessage,
  body: string,
  users: ReadonlyMap<string, AwsUser>,
  wanted: { service: string },
): string | undefined {
  const { authorization = '', ...headers } = request.headers;
  const match = AUTHORIZATION.exec(authorization);
  if (match === null) return 'MissingAuthenticationTokenException';
  const [, id = '', date = '', region = '', service = '', names = '', signature] = match;
  const user = users.get(id);
  if (user === undefined) return 'UnrecognizedClientException';
  const time = String(headers['x-amz-date']);
  if (service !== wanted.service || !time.startsWith(date)) return 'InvalidSignatureException';
  const iso = time.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\dZ)$/, '$1-$2-$3:$4:$5');
  if (!(Math.abs(Date.now() - Date.parse(iso)) < SKEW_MS)) return 'InvalidSignatureException';
  if (headers['x-amz-security-token'] !== user.sessionToken) return 'UnrecognizedClientException';
  const signed = names.split(';').map((name) => `${name}:${String(headers[name] ?? '').trim()}\n`);
  const isComplete = ['host', 'x-amz-date'].every((name) => names.split(';').includes(name));
  const path = (request.url ?? '').split('?')[0];
  const canonical = ['POST', path, '', signed.join(''), names, sha256(body)].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce(
    (secret: string | Buffer, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${user.secretAccessKey}`,
  );
  const expected = createHmac('sha256', key).update(text).digest('hex');
  return isComplete && expected === signature ? undefined : 'InvalidSignatureException';
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
