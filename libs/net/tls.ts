// What is wrong with TLS, in the words that Go has for it: Flux's users know those, and Node's speak of Node to people who run none.

const PLAIN_HTTP = /wrong version number|packet length too long|unknown protocol/i;
const UNKNOWN_AUTHORITY =
  /^(UNABLE_TO_(GET_ISSUER_CERT(_LOCALLY)?|VERIFY_LEAF_SIGNATURE)|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_UNTRUSTED|INVALID_CA)$/;
const UNVERIFIED = 'tls: failed to verify certificate: x509: ';

/** Where the operator gives certificate authorities of all of a service's connections, besides those that Node brings. */
export const OPERATORS_AUTHORITIES = 'NODE_EXTRA_CA_CERTS of the service';

/** Whether the other side speaks HTTP where TLS was expected. */
export function isPlainHttp(error: unknown): boolean {
  return PLAIN_HTTP.test(messageOf(error));
}

/** Whether both sides speak TLS and don't agree: there is no use in trying without. */
export function isTlsFailure(error: unknown): boolean {
  if (isPlainHttp(error)) return false;
  return /^(EPROTO$|ERR_SSL|ERR_TLS|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|INVALID_CA)|_CERT(IFICATE)?_/.test(
    codeOf(error),
  );
}

/**
 * What is wrong with TLS, or undefined for what is another failure. Nothing that the other side sent is in it.
 * @param authority where a certificate authority can be given: `ca.crt of the Secret`. It is named when the authority is unknown
 */
export function tlsProblem(error: unknown, authority?: string): string | undefined {
  if (isPlainHttp(error)) return 'http: server gave HTTP response to HTTPS client';
  if (!isTlsFailure(error)) return undefined;
  const code = codeOf(error);
  if (UNKNOWN_AUTHORITY.test(code)) {
    const advice = authority === undefined ? '' : `; give its authority in ${authority}`;
    return `${UNVERIFIED}certificate signed by unknown authority${advice}`;
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return `${UNVERIFIED}certificate has expired or is not yet valid`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const { host } = error as { host?: unknown };
    return `${UNVERIFIED}certificate is valid for other names, not ${String(host)}`;
  }
  // What the other side said by an alert (RFC 8446, 6), such as that it wants a certificate.
  const alert =
    /^ERR_SSL_.*ALERT_(\w+)$/.exec(code)?.[1] ?? / alert ([a-z ]+):/.exec(messageOf(error))?.[1];
  if (alert !== undefined) return `remote error: tls: ${wordsOf(alert)}`;
  if (code === 'EPROTO') return 'tls: the two sides do not agree';
  const problem = /^ERR_(?:SSL|TLS)_(\w+)$/.exec(code)?.[1];
  return problem === undefined ? `${UNVERIFIED}${wordsOf(code)}` : `tls: ${wordsOf(problem)}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}

function codeOf(error: unknown): string {
  return error instanceof Error ? String((error as NodeJS.ErrnoException).code ?? '') : '';
}

/** `CERT_REVOKED` in words. */
function wordsOf(code: string): string {
  return code.toLowerCase().replaceAll('_', ' ');
}
