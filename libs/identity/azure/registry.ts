// Logins of registries of Azure: an access token for a refresh token of the registry.
// https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md#calling-post-oauth2exchange-to-get-an-acr-refresh-token
import { formOf, jsonOf, parse, textAt } from '../answers.ts';
import type { CloudContext } from '../context.ts';
import { claimsOf } from '../jwt.ts';
import type { CloudAnswer, Problem } from '../net.ts';
import type { AccessToken, Login } from '../types.ts';

const SERVICE = 'Azure Container Registry';
/** Says that the password is a token. */
const USERNAME = '00000000-0000-0000-0000-000000000000';

/** @param registry a host that `checkRegistry` let pass. @throws IdentityError */
export async function acrLogin(
  { network }: CloudContext,
  registry: string,
  { token }: AccessToken,
  proxy: string | undefined,
  signal: AbortSignal,
): Promise<Login> {
  const url = new URL(`https://${registry}/oauth2/exchange`);
  const form = formOf({ grant_type: 'access_token', service: registry, access_token: token });
  const request = { ...{ method: 'POST' as const, url, ...form }, service: SERVICE, problem };
  const json = jsonOf(await network.ask(request, proxy, signal), SERVICE);
  const password = textAt(json, 'refresh_token', SERVICE);
  const { exp } = claimsOf(password, `the answer of ${SERVICE}`);
  return { username: USERNAME, password, expiresAt: exp * 1_000 };
}

/** Errors of registries: `{ "errors": [{ "code": ..., "message": ... }] }`. */
function problem({ text }: CloudAnswer): Problem | undefined {
  const { errors } = parse(text) ?? {};
  const { code, message } = Object([errors].flat()[0]) as { code?: unknown; message?: unknown };
  if (typeof code !== 'string') return undefined;
  return { code, message: typeof message === 'string' ? message : undefined };
}
