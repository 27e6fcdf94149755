// Microsoft Entra: a secret, or a token of Kubernetes that it trusts, for an access token.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
import { formOf, jsonOf, numberAt, oauthProblem, textAt } from '../answers.ts';
import { type CloudContext, endpointOf } from '../context.ts';
import { invalidConfiguration } from '../errors.ts';
import type { AccessToken } from '../types.ts';

export interface Application {
  tenantId: string;
  clientId: string;
  /** The proof of the application's identity. */
  proof: { assertion: string } | { secret: string };
}

const SERVICE = 'Microsoft Entra';

/** @throws IdentityError */
export async function entraToken(
  context: CloudContext,
  { tenantId, clientId, proof }: Application,
  { scope, proxy }: { scope: string; proxy: string | undefined },
  signal: AbortSignal,
): Promise<AccessToken> {
  checkIds(tenantId, clientId);
  const url = tokenUrlOf(context, tenantId);
  const { headers, body } = formOf({
    ...{ client_id: clientId, scope, grant_type: 'client_credentials' },
    ...('secret' in proof
      ? { client_secret: proof.secret }
      : {
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: proof.assertion,
        }),
  });
  const request = { ...{ method: 'POST' as const, url, headers, body }, service: SERVICE };
  const answer = await context.network.ask({ ...request, problem: oauthProblem }, proxy, signal);
  const json = jsonOf(answer, SERVICE);
  const token = textAt(json, 'access_token', SERVICE);
  return { token, expiresAt: context.now() + numberAt(json, 'expires_in', SERVICE) * 1_000 };
}

export function tokenUrlOf(context: CloudContext, tenantId: string): URL {
  const base = endpointOf(context, 'azure-authority', 'https://login.microsoftonline.com');
  return new URL(`${base}/${tenantId}/oauth2/v2.0/token`);
}

/** They become part of a URL and come from annotations. @throws IdentityError InvalidConfiguration */
function checkIds(tenantId: string, clientId: string): void {
  if (!/^[0-9A-Za-z]([0-9A-Za-z.-]{0,251}[0-9A-Za-z])?$/.test(tenantId)) {
    throw invalidConfiguration('the azure tenant ID is neither a UUID nor a domain');
  }
  if (!/^[0-9A-Za-z-]{1,100}$/.test(clientId)) {
    throw invalidConfiguration('the azure client ID is no UUID');
  }
}

const TENANT = 'azure.workload.identity/tenant-id';
const CLIENT = 'azure.workload.identity/client-id';

/**
 * The identity of an account in Azure. An empty annotation counts as missing.
 * @throws IdentityError InvalidConfiguration
 */
export function azureIdentityOf(annotations: Readonly<Record<string, string>>) {
  const [tenantId, clientId] = [annotations[TENANT], annotations[CLIENT]];
  const missing = (what: string, key: string) =>
    invalidConfiguration(`azure ${what} ID is not set in the service account annotation ${key}`);
  if (!tenantId) throw missing('tenant', TENANT);
  if (!clientId) throw missing('client', CLIENT);
  checkIds(tenantId, clientId);
  return { tenantId, clientId };
}
