// How an account logs in to OpenBao and Vault by its own annotations, which are those of Flux 2.10.
import { AUDIENCES, audiencesOf } from '@weir/identity';
import { KmsError } from '@weir/kms';

const LOGIN_PATH = 'transit-engine.auth.fluxcd.io/login-path';
const ROLE = 'transit-engine.auth.fluxcd.io/role';
const MAX_ROLE = 256;

export interface TransitEngine {
  /** Of any method that takes JSON web tokens, the namespace of Vault included: `ns1/auth/jwt/login`. */
  loginPath: string;
  role: string;
  /** Whom its tokens are for; the address of the server where there is none. */
  audiences: readonly string[];
}

/**
 * What annotations say, of the account if there is one; undefined where they say nothing of it.
 * @throws KmsError where one of the two annotations is missing, or can't be used; IdentityError for audiences that can't
 */
export function transitEngineOf(
  annotations: Readonly<Record<string, string>> = {},
): TransitEngine | undefined {
  const { [LOGIN_PATH]: loginPath, [ROLE]: role } = annotations;
  if (loginPath === undefined && role === undefined) return undefined;
  if (!loginPath || !role) {
    const missing = loginPath ? ROLE : LOGIN_PATH;
    throw new KmsError(`the account for decryption has no annotation ${missing}`);
  }
  if (role.length > MAX_ROLE) {
    throw new KmsError(`the annotation ${ROLE} has more than ${MAX_ROLE} characters`);
  }
  return { loginPath, role, audiences: audiencesOf(annotations) };
}

/**
 * Refuses to show a token to a server that it isn't for: addresses come from encrypted files, and whoever runs the server at one
 * could use the token where it is meant for. An address that the operator lists is meant.
 * @throws KmsError
 */
export async function requireMeant(
  { audiences }: TransitEngine,
  address: string,
  isListed: () => Promise<boolean>,
): Promise<void> {
  if (audiences.length === 0 || audiences.includes(address) || (await isListed())) return;
  throw new KmsError(
    `the account for decryption has tokens for others than '${address.slice(0, 300)}': add it to ${AUDIENCES}, or have it listed (--sops-vault-configmap)`,
  );
}
