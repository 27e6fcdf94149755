// Sends one request for a token and reads the answer (RFC 6749, 5).
import { connectionProblem, OPERATORS_AUTHORITIES, readBounded, sendRequest } from '@weir/net';
import { TokenError } from './errors.ts';
import type { AccessToken, TokenRequest } from './token.ts';

const CONNECT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
/** The characters and the length of a valid token. It is checked because it becomes part of a header. */
const TOKEN = /^[\x21-\x7e]{1,16384}$/;
/** Lifetime of a token whose answer does not say it, in seconds. */
const DEFAULT_LIFETIME = 300;
const MAX_LIFETIME = 24 * 3600;

/** Requests a token by posting a form. Rejects with a TokenError. */
export function postForm(
  url: URL,
  form: Readonly<Record<string, string>>,
  request: TokenRequest,
): Promise<AccessToken> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const body = new URLSearchParams(form).toString();
  return ask({ method: 'POST', url, headers, body }, request);
}

/** Requests a token with a GET. Rejects with a TokenError. */
export function getToken(
  url: URL,
  headers: Readonly<Record<string, string>>,
  request: TokenRequest,
): Promise<AccessToken> {
  return ask({ method: 'GET', url, headers }, request);
}

interface Asked {
  method: string;
  url: URL;
  headers: Readonly<Record<string, string>>;
  body?: string;
}

async function ask(
  { method, url, headers, body }: Asked,
  { connections, signal }: TokenRequest,
): Promise<AccessToken> {
  const { status, answer } = await send();
  if (status === 200) return tokenOf(answer, url);
  throw new TokenError(`${url.host} gave no token: HTTP status ${status}${codeOf(answer)}`);

  async function send() {
    try {
      const response = await sendRequest(connections, {
        ...{ method, url, body, signal, connectTimeoutMs: CONNECT_MS },
        headers: {
          accept: 'application/json',
          ...headers,
          ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
        },
      });
      const text = await readBounded(response, MAX_ANSWER_BYTES);
      return { status: response.statusCode ?? 0, answer: parsed(text.toString('utf8')) };
    } catch (cause) {
      if (signal.aborted) throw new TokenError(`${url.host} gave no token in time`, { cause });
      throw new TokenError(
        `${url.host} gave no token: ${connectionProblem(cause, OPERATORS_AUTHORITIES)}`,
        { cause },
      );
    }
  }
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function tokenOf(answer: Record<string, unknown>, url: URL): AccessToken {
  const { access_token: token, expires_in: lifetime } = answer;
  if (typeof token !== 'string' || !TOKEN.test(token)) {
    throw new TokenError(`${url.host} answered without a token: is it a token service?`);
  }
  const seconds = Number(lifetime ?? DEFAULT_LIFETIME);
  const bounded = seconds > 0 ? Math.min(seconds, MAX_LIFETIME) : DEFAULT_LIFETIME;
  return { token, expiresAt: Date.now() + bounded * 1000 };
}

/**
 * The error codes of the protocol in an answer. Free texts of the server are left out, as they may repeat what was
 * sent.
 */
function codeOf({ error, error_codes: codes }: Record<string, unknown>): string {
  const name = typeof error === 'string' && /^[a-z_]{1,64}$/.test(error) ? `, ${error}` : '';
  const [code] = Array.isArray(codes) ? codes : [];
  return Number.isSafeInteger(code) ? `${name} (AADSTS${code})` : name;
}
