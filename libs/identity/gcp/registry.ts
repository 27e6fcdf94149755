// Logins of Artifact Registry and Container Registry: the access token as the password.
// https://cloud.google.com/artifact-registry/docs/docker/authentication#token
import { invalidConfiguration } from '../errors.ts';
import type { AccessToken, Login } from '../types.ts';

const PATTERN = '^(((.+\\.)?gcr\\.io)|(.+-docker\\.pkg\\.dev)|(docker\\.s3nsregistry\\.fr))$';
const REGISTRY =
  /^(?:(?:[a-z0-9-]+\.)*gcr\.io|(?:[a-z0-9-]+\.)*[a-z0-9-]+-docker\.pkg\.dev|docker\.s3nsregistry\.fr)$/;

/**
 * Checks the host, because a token is sent there.
 * @throws IdentityError InvalidConfiguration
 */
export function checkGcpRegistry(host: string): void {
  if (REGISTRY.test(host)) return;
  throw invalidConfiguration(
    `invalid GCP registry: '${host.slice(0, 300)}'. must match ${PATTERN}`,
  );
}

export function gcpLogin({ token, expiresAt }: AccessToken): Login {
  return { username: 'oauth2accesstoken', password: token, expiresAt };
}
