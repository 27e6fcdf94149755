// How a service account logs in to OpenBao and Vault by its annotations, which are those of Flux 2.10.
import { AUDIENCES, audiencesOf } from '@weir/identity';
import { KmsError } from '@weir/kms';

const LOGIN_PATH = 'transit-engine.auth.fluxcd.io/login-path';
const ROLE = 'transit-engine.auth.fluxcd.io/role';
const MAX_ROLE = 256;

export interface TransitEngine {
  /**
   * The path of any login method for JSON web tokens, with the Vault namespace if there is one: `ns1/auth/jwt/login`.
   */
  loginPath: string;
  role: string;
  /** The audiences of its tokens; the address of the server where none is given. */
  audiences: readonly string[];
}

/**
 * Reads the annotations of the account, if there is an account; undefined when it has none for Vault. @throws KmsError
 * when one of the two annotations is missing or can't be used; IdentityError for audiences that can't be used
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
 * Refuses to send a token to a server for which it is not meant. Addresses come from encrypted files, and whoever runs
 * a server there could use the token elsewhere. An address that the operator lists is allowed. @throws KmsError
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
