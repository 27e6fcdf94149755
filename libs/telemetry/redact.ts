/** What a log line or an event shows in the place of a secret. */
export const MASK = '***';

const SECRET_KEY =
  /^(?:proxy[-_]?)?authorization$|^(?:set-)?cookie$|password|passwd|passphrase|secret(?:key|access)?$|(?:^|[-_a-z])token$|api[-_]?key$|private[-_]?key$|credentials?$/i;

// Greedy up to the last '@' before the path: a password may itself hold an unescaped '@'.
const USERINFO = /\b([a-z][a-z0-9+.-]{0,31}:\/\/)([^\s/?#"'<>\\]{1,1024})@/gi;
const SCHEME_CREDENTIALS = /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi;
const QUERY_SECRET =
  /([?&](?:access_token|token|sig|sign|signature|x-amz-signature|x-amz-security-token|key|api_key|apikey|secret|password)=)[^&\s"'#\\]+/gi;
const JSON_STRING_FIELD = /"([\w-]{1,64})":"(?:[^"\\]|\\.)*"/g;

const MAX_DEPTH = 6;

/**
 * Masks what is secret in free text: the userinfo of URLs (RFC 3986, 3.2.1; a lone `git@` in an ssh
 * URL stays, it names an account and no secret), `Bearer` and `Basic` credentials, secret query values.
 */
export function maskSecrets(text: string): string {
  let masked = text;
  if (masked.includes('@')) masked = masked.replace(USERINFO, maskUserinfo);
  if (/bearer|basic/i.test(masked)) masked = masked.replace(SCHEME_CREDENTIALS, `$1 ${MASK}`);
  if (masked.includes('=')) masked = masked.replace(QUERY_SECRET, `$1${MASK}`);
  return masked;
}

/** Masks a finished JSON line: what `maskSecrets` finds, and the strings under secret keys (child bindings). */
export function maskLine(line: string): string {
  return maskSecrets(line).replace(JSON_STRING_FIELD, (field, key: string) =>
    isSecretKey(key) ? `"${key}":"${MASK}"` : field,
  );
}

function maskUserinfo(whole: string, scheme: string, userinfo: string): string {
  const ssh = scheme.toLowerCase().endsWith('ssh://');
  return ssh && !userinfo.includes(':') ? whole : `${scheme}${MASK}@`;
}

/** True for the names of fields whose value must never be logged: password, token, authorization ... */
export function isSecretKey(key: string): boolean {
  return SECRET_KEY.test(key);
}

/** A copy of a log record in which the values of secret keys are masked, at any depth up to six. */
export function redact(record: Record<string, unknown>): Record<string, unknown> {
  return redactObject(record, 0);
}

function redactObject(record: object, depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(record)) {
    copy[key] = isSecretKey(key) && value != null ? MASK : redactValue(value, depth + 1);
  }
  return copy;
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => redactValue(item, depth + 1));
  // Only plain data is walked: errors, dates and buffers have serializers of their own.
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? redactObject(value, depth) : value;
}
