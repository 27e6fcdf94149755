// What annotations of an account say of how its token is had, as Flux 2.10 has them
// (https://fluxcd.io/flux/integrations/object-identity/).
import { invalidConfiguration } from './errors.ts';

/** Who issues the token: Kubernetes, or the broker of SPIFFE. */
const PROVIDER = 'credential.auth.fluxcd.io/provider';
/** What is issued: a JSON web token, or a certificate. */
const TYPE = 'credential.auth.fluxcd.io/type';
/** Who takes the token, where its user has no service of a cloud for that. */
export const AUDIENCES = 'credential.auth.fluxcd.io/audiences';

const MAX_AUDIENCES = 20;
const MAX_LENGTH = 4_096;

type Annotations = Readonly<Record<string, string>>;

/**
 * Refuses what is not Kubernetes' own token: an account that is to be somebody by other means is nobody without them.
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
 * The audiences that the account has of its own, one a line or with commas between them; none where it says nothing.
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
