/** A JSON web token whose signature is no signature. */
export function unsignedToken(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256', kid: 'test' })}.${part(claims)}.c2lnbmF0dXJl`;
}

/** The claims of a token; empty if it is no token. */
export function claims(token: string): Record<string, unknown> {
  try {
    const [, payload = ''] = token.split('.');
    return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Record<
      string,
      unknown
    >;
  } catch {
    return {};
  }
}

/** Whether a token is for this audience and hasn't ended. It is not verified otherwise. */
export async function reviewUnsigned(token: string, audience: string): Promise<string | undefined> {
  const { aud, sub, exp } = claims(token);
  const isFor = [aud].flat().includes(audience);
  const isValid = isFor && typeof exp === 'number' && exp * 1_000 > Date.now();
  return isValid && typeof sub === 'string' ? sub : undefined;
}
