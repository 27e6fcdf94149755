// The service's own identity in Azure: an application with a secret or a certificate, a workload identity, or the
// node's managed identity. The first that is configured is used, and no other is tried when it is refused.
import { assertionOf } from '@weir/oauth';
import { jsonOf, numberAt, oauthProblem, textAt } from '../answers.ts';
import { type CloudContext, endpointOf } from '../context.ts';
import { invalidConfiguration } from '../errors.ts';
import { fromFile, readSecretFile } from '../files.ts';
import type { AccessToken } from '../types.ts';
import { entraToken, tokenUrlOf } from './entra.ts';

/** @throws IdentityError */
export async function ownAzureToken(
  context: CloudContext,
  { scope, proxy }: { scope: string; proxy: string | undefined },
  signal: AbortSignal,
): Promise<AccessToken> {
  const { environment: env } = context;
  const [tenantId, clientId] = [env.AZURE_TENANT_ID, env.AZURE_CLIENT_ID];
  const [secret, file] = [env.AZURE_CLIENT_SECRET, env.AZURE_FEDERATED_TOKEN_FILE];
  if (tenantId && clientId && secret) {
    return entraToken(context, { tenantId, clientId, proof: { secret } }, { scope, proxy }, signal);
  }
  const certificateFile = env.AZURE_CLIENT_CERTIFICATE_PATH;
  if (tenantId && clientId && certificateFile) {
    const assertion = await certificateAssertion(context, certificateFile, { tenantId, clientId });
    const application = { tenantId, clientId, proof: { assertion } };
    return entraToken(context, application, { scope, proxy }, signal);
  }
  if (tenantId && clientId && file) {
    const assertion = await readSecretFile(context, file, 'AZURE_FEDERATED_TOKEN_FILE');
    const application = { tenantId, clientId, proof: { assertion } };
    return entraToken(context, application, { scope, proxy }, signal);
  }
  if (file) {
    throw invalidConfiguration(
      'AZURE_FEDERATED_TOKEN_FILE is set without AZURE_TENANT_ID and AZURE_CLIENT_ID: the workload identity is not set up whole',
    );
  }
  return managedIdentityToken(context, scope, clientId, signal);
}

const CERTIFICATE = 'AZURE_CLIENT_CERTIFICATE_PATH';

/**
 * The assertion of an application with a certificate.
 * @throws IdentityError InvalidConfiguration
 */
async function certificateAssertion(
  context: CloudContext,
  path: string,
  { tenantId, clientId }: { tenantId: string; clientId: string },
): Promise<string> {
  const { environment: env } = context;
  const certificate = await readSecretFile(context, path, CERTIFICATE);
  const password = env.AZURE_CLIENT_CERTIFICATE_PASSWORD;
  const sendChain = /^(1|true)$/i.test(env.AZURE_CLIENT_SEND_CERTIFICATE_CHAIN ?? '');
  const audience = tokenUrlOf(context, tenantId).href;
  return fromFile(CERTIFICATE, () =>
    assertionOf({ certificate, password, sendChain }, { audience, clientId }),
  );
}

const SERVICE = 'the metadata service of Azure';

/** https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#get-a-token-using-http */
async function managedIdentityToken(
  context: CloudContext,
  scope: string,
  clientId: string | undefined,
  signal: AbortSignal,
): Promise<AccessToken> {
  const base = endpointOf(context, 'azure-metadata', 'http://169.254.169.254');
  const url = new URL(`${base}/metadata/identity/oauth2/token`);
  url.searchParams.set('api-version', '2018-02-01');
  url.searchParams.set('resource', scope.replace(/\/\.default$/, ''));
  if (clientId) url.searchParams.set('client_id', clientId);
  const headers = { metadata: 'true' };
  const request = { method: 'GET' as const, url, headers, service: SERVICE, problem: oauthProblem };
  const json = jsonOf(await context.network.askNode(request, signal), SERVICE);
  const token = textAt(json, 'access_token', SERVICE);
  return { token, expiresAt: context.now() + numberAt(json, 'expires_in', SERVICE) * 1_000 };
}
