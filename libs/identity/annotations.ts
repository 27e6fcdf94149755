// Annotations of an account about its tokens, as in Flux 2.10 (https://fluxcd.io/flux/integrations/object-identity/).
import { invalidConfiguration } from './errors.ts';

/** The issuer of the token: Kubernetes, or a SPIFFE broker. */
const PROVIDER = 'credential.auth.fluxcd.io/provider';
/** What is issued: a JSON web token, or a certificate. */
const TYPE = 'credential.auth.fluxcd.io/type';
/** The audiences of the token, for services that are not part of a cloud. */
export const AUDIENCES = 'credential.auth.fluxcd.io/audiences';

const MAX_AUDIENCES = 20;
const MAX_LENGTH = 4_096;

type Annotations = Readonly<Record<string, string>>;

/**
 * Refuses annotations that ask for anything but a Kubernetes token, because no other identity is supported.
 * @throws IdentityError InvalidConfiguration
 */
export function requireKubernetesToken(annotations: Annotations): void {
  refuse(annotations, PROVIDER, 'kubernetes', 'there is no broker of SPIFFE here');
  refuse(annotations, TYPE, 'jwt', 'certificates are not asked for');
}

function refuse(annotations: Annotations, name: string, known: string, why: string): void {
  const value = annotations[name];
  if (value === undefined || value === known) return;
  const shown = value.slice(0, 100);
  throw invalidConfiguration(`${name} is '${shown}', and only '${known}' is supported: ${why}`);
}

/**
 * The audiences in the account's annotation, one a line or separated by commas; empty if it has none.
 * @throws IdentityError InvalidConfiguration
 */
export function audiencesOf(annotations: Annotations): string[] {
  const text = annotations[AUDIENCES] ?? '';
  const all = text.split(/[\s,]+/).filter((audience) => audience !== '');
  if (text.length > MAX_LENGTH || all.length > MAX_AUDIENCES) {
    throw invalidConfiguration(`${AUDIENCES} has more than ${MAX_AUDIENCES} audiences`);
  }
  return all;
}
