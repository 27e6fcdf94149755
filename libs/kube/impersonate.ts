/** Who to act as (Kubernetes "user impersonation"); the client's own identity needs the `impersonate` verb. */
export interface Impersonation {
  user: string;
  groups?: string[];
  uid?: string;
  extra?: Record<string, string[]>;
}

/**
 * The identity of a service account. Its groups are left to the API server, which adds them itself to an
 * impersonated service account: naming them would need the right to impersonate groups as well.
 */
export function serviceAccountUser(
  namespace: string,
  name: string,
): { user: string; groups: string[] } {
  return { user: `system:serviceaccount:${namespace}:${name}`, groups: [] };
}

/**
 * The request headers for an impersonation. User and groups go as they are (UTF-8 bytes); the key of an
 * `extra` becomes part of a header name and is percent-encoded, which the API server undoes
 * (https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/).
 * Throws TypeError when a value could not be a header (control characters).
 */
export function impersonationHeaders(as: Impersonation): Record<string, string | string[]> {
  if (as.user === '') throw new TypeError('impersonation needs a user name');
  const headers: Record<string, string | string[]> = { 'impersonate-user': headerValue(as.user) };
  if (as.groups !== undefined && as.groups.length > 0)
    headers['impersonate-group'] = as.groups.map(headerValue);
  if (as.uid !== undefined) headers['impersonate-uid'] = headerValue(as.uid);
  for (const [key, values] of Object.entries(as.extra ?? {})) {
    headers[`impersonate-extra-${encodeExtraKey(key)}`] = values.map(headerValue);
  }
  return headers;
}

/** Header values are bytes: Node writes one byte a character, so UTF-8 is spread over latin1 characters. */
function headerValue(value: string): string {
  for (let i = 0; i < value.length; i += 1) {
    const code = value.charCodeAt(i);
    if (code < 0x20 || code === 0x7f)
      throw new TypeError('impersonated identity holds a control character');
  }
  return Buffer.from(value, 'utf8').toString('latin1');
}

/** Lower case, and everything that no HTTP token may hold (RFC 9110 5.6.2), and `%` itself, as %XX. */
function encodeExtraKey(key: string): string {
  const bytes = Buffer.from(key.toLowerCase(), 'utf8');
  return Array.from(bytes, (byte) => {
    const char = String.fromCharCode(byte);
    return /[a-z0-9!#$&'*+.^_`|~-]/.test(char)
      ? char
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}
