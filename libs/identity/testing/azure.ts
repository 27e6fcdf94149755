// Azure according to its documentation: Entra's tokens, the metadata service, the token exchange of registries, and the
// resource manager.
import { unsignedToken } from './jwt.ts';
import { type Answer, field, type Service } from './server.ts';

export interface AzureState {
  /** Applications as `tenant/client`, and the subject of the tokens that they trust. */
  applications: Map<string, string>;
  review(token: string, audience: string): Promise<string | undefined>;
  /** Access tokens that were given out, for whom and for which scope. */
  tokens: Map<string, { whose: string; scope: string; expiresAt: number }>;
  lifeMs: number;
  count: number;
}

const problem = (error: string, description: string) => ({
  ...{ error, error_description: description, error_codes: [700213] },
});

function newToken(state: AzureState, whose: string, scope: string): Answer {
  const expiresAt = Date.now() + state.lifeMs;
  const token = unsignedToken({ whose, scope, jti: ++state.count, exp: expiresAt / 1_000 });
  state.tokens.set(token, { whose, scope, expiresAt });
  const life = Math.round(state.lifeMs / 1_000);
  return { status: 200, body: { access_token: token, expires_in: life, token_type: 'Bearer' } };
}

export function entra(state: AzureState): Service {
  return {
    problem,
    codes: { denied: [401, 'invalid_client'], throttled: [429, 'temporarily_unavailable'] },
    async answer(call) {
      const [, tenant] = /\/([^/]+)\/oauth2\/v2\.0\/token$/.exec(call.path) ?? [];
      const whose = `${tenant}/${field(call, 'client_id')}`;
      const scope = field(call, 'scope');
      const refuse = (code: string, why: string) => ({ status: 400, body: problem(code, why) });
      if (field(call, 'grant_type') !== 'client_credentials')
        return refuse('unsupported_grant_type', 'no');
      if (!scope.endsWith('/.default')) return refuse('invalid_scope', 'AADSTS70011');
      if (field(call, 'client_secret') === `secret-of-${whose}`)
        return newToken(state, whose, scope);
      const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
      if (field(call, 'client_assertion_type') !== type)
        return refuse('invalid_client', 'AADSTS7000216');
      const subject = await state.review(
        field(call, 'client_assertion'),
        'api://AzureADTokenExchange',
      );
      if (subject !== undefined && state.applications.get(whose) === subject) {
        return newToken(state, whose, scope);
      }
      const what = `AADSTS700213: No matching federated identity record found for presented assertion subject '${subject}'`;
      return { status: 401, body: problem('invalid_client', what) };
    },
  };
}

export function imds(state: AzureState, clientId: string): Service {
  return {
    problem,
    codes: { denied: [400, 'invalid_request'], throttled: [429, 'too_many_requests'] },
    answer({ headers, path }) {
      const query = new URL(path, 'http://test').searchParams;
      if (headers.metadata !== 'true' || query.get('api-version') === null) {
        return {
          status: 400,
          body: problem('invalid_request', 'Required metadata header not specified'),
        };
      }
      const asked = query.get('client_id') ?? clientId;
      if (asked !== clientId)
        return { status: 400, body: problem('invalid_request', 'Identity not found') };
      return newToken(state, `node/${clientId}`, `${query.get('resource')}/.default`);
    },
  };
}

/** @param password the refresh token of the identity, so that a registry of the test can recognize it */
export function registry(
  state: AzureState,
  password: (whose: string, expiresAt: number) => string,
): Service {
  const registryProblem = (code: string, message: string) => ({ errors: [{ code, message }] });
  return {
    problem: registryProblem,
    codes: { denied: [401, 'UNAUTHORIZED'], throttled: [429, 'TOOMANYREQUESTS'] },
    answer(call) {
      const token = state.tokens.get(field(call, 'access_token'));
      const isFor =
        token?.scope === 'https://containerregistry.azure.net/.default' ||
        token?.scope === 'https://management.test/.default';
      if (field(call, 'grant_type') !== 'access_token' || field(call, 'service') === '') {
        return { status: 400, body: registryProblem('UNSUPPORTED', 'grant type') };
      }
      if (token === undefined || !isFor || token.expiresAt < Date.now()) {
        return { status: 401, body: registryProblem('UNAUTHORIZED', 'authentication required') };
      }
      const refresh = password(token.whose, Date.now() + state.lifeMs);
      return { status: 200, body: { refresh_token: refresh } };
    },
  };
}

export function manager(state: AzureState, cluster: { endpoint: string; ca: string }): Service {
  const managerProblem = (code: string, message: string) => ({ error: { code, message } });
  return {
    problem: managerProblem,
    codes: { denied: [403, 'AuthorizationFailed'], throttled: [429, 'TooManyRequests'] },
    answer({ headers, path, method }) {
      const token = state.tokens.get(String(headers.authorization).replace(/^Bearer /, ''));
      if (token?.scope !== 'https://management.core.windows.net//.default') {
        return { status: 401, body: managerProblem('InvalidAuthenticationToken', 'no') };
      }
      if (/\/managedClusters\/prod\?/.test(path)) {
        return { status: 200, body: { properties: { aadProfile: { managed: true } } } };
      }
      if (/\/managedClusters\/local-accounts\?/.test(path))
        return { status: 200, body: { properties: {} } };
      if (method !== 'POST' || !/\/prod\/listClusterUserCredential\?/.test(path)) {
        return { status: 404, body: managerProblem('ResourceNotFound', 'no') };
      }
      const data = Buffer.from(cluster.ca).toString('base64');
      const kubeconfig = (server: string) =>
        Buffer.from(
          `apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster: {server: "${server}", certificate-authority-data: ${data}}\nusers:\n- name: u\n  user: {exec: {command: /bin/false}}\n`,
        ).toString('base64');
      const kubeconfigs = [cluster.endpoint, 'https://private.example:443'].map((it) => ({
        name: 'user',
        value: kubeconfig(it),
      }));
      return { status: 200, body: { kubeconfigs } };
    },
  };
}
