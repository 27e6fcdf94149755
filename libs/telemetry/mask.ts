import { isSecretKey } from './secretkeys.ts';
import { MASK, maskHookPaths, maskQueryValues, maskUserinfo } from './urls.ts';

/** The longest text that is looked at, in characters; what follows is left out with a note. */
export const MAX_TEXT = 65_536;
/** A secret that begins before the cut may end behind it: this many more characters are masked before the text is cut. */
const OVERLAP = 4_096;

const AUTHORIZATION =
  /(?<![\w/.])((?:proxy-)?authorization["']?\s{0,4}[:=]\s{0,4}["']?(?:(?:Bearer|Basic|Token|Digest|Negotiate)\s{1,4})?)[^\s"',]{1,4096}/gi;
const SECRET_HEADER =
  /(?<![\w/.-])((?:set-cookie|cookie|x-api-key|private-token|job-token|x-[a-z]{1,16}-token|x-[a-z]{1,16}-secret)["']?\s{0,4}:\s{0,4}["']?)(?![^\s@]{1,512}@)[^\r\n"']{1,4096}/gi;
const BEARER = /\b(Bearer)\s{1,4}[A-Za-z0-9._~+/=-]{8,4096}/gi;
const BASIC = /\b(Basic)\s{1,4}([A-Za-z0-9+/_-]{4,4096}={0,2})/gi;
// User names under which Git hosts take a token as the password, in an address without a scheme.
const TOKEN_USER = /\b(x-access-token|x-token-auth|oauth2|gitlab-ci-token):[^\s@"']{1,512}@/gi;
const PARAMETER = /((?:[?&;#]|\\u0026)([\w.~-]{1,64})=)[^&;\s"'#\\<>]{1,4096}/gi;
// A field of JSON, and an assignment as in a connection string or on a command line.
const JSON_FIELD = /("([\w.-]{1,64})"\s{0,4}:\s{0,4}")(?:[^"\\]|\\.){1,4096}"/g;
const ASSIGNMENT =
  /(?<![\w.-])((?:--)?[\w-]{0,32}(?:password|passwd|passphrase|secret|token|api[-_]?key)=)[^\s&;"',]{1,4096}/gi;
const PRIVATE_KEY =
  /-----BEGIN ([A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/g;
// Tokens that name their issuer: GitHub, GitLab, Slack, npm, Docker Hub, Google, and signed JSON web tokens.
const ISSUED_TOKEN =
  /\b(?:gh[pousr]_\w{16,255}|github_pat_\w{16,255}|gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas|ffct)-[\w-]{16,255}|xox[a-z]-[\w-]{8,255}|xapp-[\w-]{8,255}|npm_\w{30,64}|dckr_pat_[\w-]{16,64}|ya29\.[\w-]{16,1024}|(?<![\w-])eyJ[\w-]{8,2048}\.eyJ[\w-]{8,4096}\.[\w-]{8,2048})/g;

/**
 * Masks what is secret in a text that goes to people: the userinfo of URLs, query values with a secret name,
 * paths of incoming webhooks, `Authorization` and cookie headers, `Bearer` and `Basic` credentials, private keys,
 * tokens that name their issuer. Harmless query values stay, so that links keep working. Takes linear time, never
 * throws; a text longer than `MAX_TEXT` characters is cut, with a note.
 */
export function maskSecrets(text: string): string {
  return cutMasked(text, maskCommon);
}

/** Masks the same in all of a text, however long: for texts that are bounded elsewhere and go on whole. */
export function maskAllSecrets(text: string): string {
  return maskCommon(text);
}

/**
 * Masks what `maskSecrets` masks, and every query value of every URL whatever its name: for logs, for spans
 * and for messages that quote a URL that a tenant wrote. `text` is one URL or a text that holds some.
 */
export function maskUrl(text: string): string {
  return cutMasked(text, (part) => {
    const masked = maskCommon(part);
    return masked.includes('://') ? maskQueryValues(masked) : masked;
  });
}

function maskCommon(text: string): string {
  let masked = text;
  if (masked.includes('-----BEGIN')) masked = masked.replace(PRIVATE_KEY, privateKeyMask);
  if (masked.includes('://')) masked = maskHookPaths(maskUserinfo(masked));
  if (masked.includes('=')) {
    masked = masked.replace(PARAMETER, maskParameter).replace(ASSIGNMENT, `$1${MASK}`);
  }
  if (masked.includes('":') || masked.includes('" :'))
    masked = masked.replace(JSON_FIELD, maskField);
  if (/auth|basic|bearer|token|cookie|-key|-secret/i.test(masked)) {
    masked = masked
      .replace(AUTHORIZATION, `$1${MASK}`)
      .replace(SECRET_HEADER, `$1${MASK}`)
      .replace(BEARER, `$1 ${MASK}`)
      .replace(BASIC, maskBasic)
      .replace(TOKEN_USER, `$1:${MASK}@`);
  }
  return masked.replace(ISSUED_TOKEN, MASK);
}

function cutMasked(text: string, mask: (text: string) => string): string {
  if (text.length <= MAX_TEXT) return mask(text);
  const masked = mask(text.slice(0, MAX_TEXT + OVERLAP));
  const kept = masked.slice(0, Math.max(0, Math.min(MAX_TEXT, masked.length - OVERLAP)));
  return `${kept}... [cut: the text has ${text.length} characters]`;
}

function privateKeyMask(_key: string, label: string): string {
  return `-----BEGIN ${label}-----${MASK}-----END ${label}-----`;
}

function maskParameter(whole: string, before: string, name: string): string {
  return isSecretParameter(name) ? before + MASK : whole;
}

function maskField(whole: string, before: string, name: string): string {
  return isSecretKey(name) ? `${before}${MASK}"` : whole;
}

function isSecretParameter(name: string): boolean {
  return (
    isSecretKey(name) ||
    /^(?:key|code|jwt|sas|auth|pwd|pass|sign?)$|signature$|[-_.]key$/i.test(name)
  );
}

/** RFC 7617: the credentials are base64 of `user:password`. Words such as "Basic authentication" are none. */
function maskBasic(whole: string, scheme: string, credentials: string): string {
  return Buffer.from(credentials, 'base64').includes(':') ? `${scheme} ${MASK}` : whole;
}
