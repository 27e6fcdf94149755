/** The identity to act as (Kubernetes "user impersonation"). The client's own identity needs the `impersonate` verb. */
export interface Impersonation {
  user: string;
  groups?: string[];
  uid?: string;
  extra?: Record<string, string[]>;
}

/**
 * The identity of a service account, without groups. The API server adds a service account's groups itself; sending
 * them would need the right to impersonate groups as well. Throws TypeError where a name is empty: the identity would be that of
 * nobody, and with no identity a request has the rights of the service (CVE-2026-23990).
 */
export function serviceAccountUser(
  namespace: string,
  name: string,
): { user: string; groups: string[] } {
  if (namespace === '' || name === '')
    throw new TypeError('a service account needs a namespace and a name');
  return { user: `system:serviceaccount:${namespace}:${name}`, groups: [] };
}

/**
 * The request headers of an impersonation. User and groups are sent as UTF-8 bytes. The key of an `extra` becomes part
 * of a header name and is percent-encoded, which the API server decodes
 * (https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/).
 * Throws TypeError for a value with control characters, because such a value could add headers of its own, and for an empty
 * one, because the API server takes an empty header for none.
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

/** Node writes one byte for each character of a header, so each byte of the UTF-8 text becomes one latin1 character. */
function headerValue(value: string): string {
  if (value === '') throw new TypeError('impersonated identity holds an empty value');
  for (let i = 0; i < value.length; i += 1) {
    const code = value.charCodeAt(i);
    if (code < 0x20 || code === 0x7f)
      throw new TypeError('impersonated identity holds a control character');
  }
  return Buffer.from(value, 'utf8').toString('latin1');
}

/** Lower case. `%`, and each byte that an HTTP token must not contain (RFC 9110 5.6.2), become %XX. */
function encodeExtraKey(key: string): string {
  const bytes = Buffer.from(key.toLowerCase(), 'utf8');
  return Array.from(bytes, (byte) => {
    const char = String.fromCharCode(byte);
    return /[a-z0-9!#$&'*+.^_`|~-]/.test(char)
      ? char
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}
