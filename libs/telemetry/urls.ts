/** What a log line, a span or an event shows in the place of a secret. */
export const MASK = '***';

const MAX_SCHEME = 32;
/** How far the `@` is looked for behind a password with an unescaped delimiter, in characters. */
const MAX_LATE_USERINFO = 1_024;
const URL_END = /[\s"'<>\\`]/g;
const AUTHORITY_END = /[\s/?#]/g;
const SCHEME_CHARACTER = /[a-z0-9+.-]/i;

/** Hosts on which the path of an incoming webhook is the secret, whatever it looks like. */
const HOOK_HOST =
  /(?:^|[.@])(?:slack(?:-gov)?\.com|feishu\.cn|larksuite\.com|discord(?:app)?\.com|office\.com|webex\.com|telegram\.org)(?::\d+)?$/i;
const HOOK_PATH = /\/(?:hooks?|webhooks?|webhookb2|incoming)\//i;
const HOOK_PATH_OF_HOST =
  /\/(?:services|workflows|triggers|hooks?|webhooks?|webhookb2|incoming)\/|\/bot(?=\d)/i;
/** A part of a path that is long enough to be a key: elsewhere `/webhooks/` may be the name of a folder. */
const KEY_IN_PATH = /[\w-]{16}/;

/**
 * Masks the userinfo of each URL in a text (RFC 3986, 3.2.1). A lone user name in an ssh URL stays: it names
 * an account and is no secret. An unescaped `@`, quote, `/`, `?` or `#` in a password is masked with it. Linear in the text.
 */
export function maskUserinfo(text: string): string {
  let masked = '';
  let from = 0;
  for (const start of authorities(text)) {
    if (start < from) continue;
    const end = userinfoEnd(text, start);
    if (end === undefined) continue;
    const ssh = /ssh:\/\/$/i.test(text.slice(Math.max(from, start - 6), start));
    if (ssh && !text.slice(start, end).includes(':')) continue;
    masked += text.slice(from, start) + MASK;
    from = end;
  }
  return masked + text.slice(from);
}

/** Masks the path of incoming webhooks (Slack, Feishu, Discord, Teams, Telegram, Mattermost ...) in each URL of a text. */
export function maskHookPaths(text: string): string {
  return mapUrls(text, ({ authority, path, rest }) => {
    const host = HOOK_HOST.test(authority);
    const found = (host ? HOOK_PATH_OF_HOST : HOOK_PATH).exec(path);
    if (found === null) return authority + path + rest;
    const secret = found.index + found[0].length;
    const key = path.slice(secret);
    if (key === '' || !(host || KEY_IN_PATH.test(key))) return authority + path + rest;
    return authority + path.slice(0, secret) + MASK + rest;
  });
}

/** Masks every value in the query and in the fragment of each URL of a text, whatever its name. */
export function maskQueryValues(text: string): string {
  return mapUrls(
    text,
    ({ authority, path, rest }) => authority + path + rest.replace(/[^?&;#]+/g, maskParameter),
  );
}

function maskParameter(parameter: string, at: number, rest: string): string {
  const equals = parameter.indexOf('=');
  if (equals > 0) return `${parameter.slice(0, equals)}=${MASK}`;
  // A fragment without a value is a place in a page; a query without a name may be a key.
  return rest[at - 1] === '#' ? parameter : MASK;
}

interface UrlParts {
  /** Host and port, with what is left of the userinfo. */
  authority: string;
  path: string;
  /** Query and fragment with their `?` or `#`. */
  rest: string;
}

/** Replaces what follows `scheme://` of each URL in a text. A URL inside another one is a part of that one. */
function mapUrls(text: string, map: (url: UrlParts) => string): string {
  let mapped = '';
  let from = 0;
  for (const start of authorities(text)) {
    if (start < from) continue;
    const end = firstOf(URL_END, text, start);
    const url = text.slice(start, end);
    const query = firstOf(/[?#]/g, url, 0);
    const slash = firstOf(/[/?#]/g, url, 0);
    mapped += text.slice(from, start);
    mapped += map({
      authority: url.slice(0, slash),
      path: url.slice(slash, query),
      rest: url.slice(query),
    });
    from = end;
  }
  return mapped + text.slice(from);
}

/** The places in a text that follow a `scheme://`. */
function* authorities(text: string): Generator<number> {
  for (let at = text.indexOf('://'); at !== -1; at = text.indexOf('://', at + 3)) {
    if (endsWithScheme(text, at)) yield at + 3;
  }
}

function endsWithScheme(text: string, end: number): boolean {
  let start = end;
  while (start > 0 && end - start < MAX_SCHEME && SCHEME_CHARACTER.test(text.charAt(start - 1)))
    start--;
  return /[a-z]/i.test(text.slice(start, end));
}

/** Where the `@` of the userinfo stands that begins at `start`, or undefined where there is none. */
function userinfoEnd(text: string, start: number): number | undefined {
  const end = firstOf(AUTHORITY_END, text, start);
  const authority = text.slice(start, end);
  const at = authority.lastIndexOf('@');
  if (at !== -1) return at === 0 ? undefined : start + at;
  // A port that is no number is the beginning of a password that holds an unescaped delimiter.
  if (!/:[^\d\]:]|:\d+[^\d:\].]/.test(authority) || authority.startsWith('[')) return undefined;
  const near = text.slice(start, start + MAX_LATE_USERINFO);
  const late = near.slice(0, firstOf(URL_END, near, 0)).lastIndexOf('@');
  return late === -1 ? undefined : start + late;
}

/** The first place from `from` on where `pattern` (with the flag g) matches, or the end of the text. */
function firstOf(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}
