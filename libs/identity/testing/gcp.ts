// Google Cloud according to its documentation: STS, IAM credentials, the metadata server, and the API of clusters.
import { type Answer, field, type Service } from './server.ts';

export interface GcpState {
  /** Audiences of pools, with the audience that a token of Kubernetes has to have for it. */
  pools: Map<string, string>;
  /** Accounts of Google, and the subject that may act as each. */
  accounts: Map<string, string>;
  review(token: string, audience: string): Promise<string | undefined>;
  tokens: Map<string, { whose: string; expiresAt: number }>;
  lifeMs: number;
  count: number;
}

const problem = (status: string, message: string) => ({ error: { code: 403, status, message } });
const oauth = (error: string, description: string) => ({ error, error_description: description });

function newToken(state: GcpState, whose: string): { token: string; expiresAt: number } {
  const token = `ya29.test-access-token-${++state.count}-${'y'.repeat(40)}`;
  const expiresAt = Date.now() + state.lifeMs;
  state.tokens.set(token, { whose, expiresAt });
  return { token, expiresAt };
}

function oauthToken(state: GcpState, whose: string): Answer {
  const { token } = newToken(state, whose);
  const life = Math.round(state.lifeMs / 1_000);
  return { status: 200, body: { access_token: token, expires_in: life, token_type: 'Bearer' } };
}

export function googleSts(state: GcpState): Service {
  return {
    problem: oauth,
    codes: { denied: [400, 'invalid_grant'], throttled: [429, 'temporarily_unavailable'] },
    async answer(call) {
      const wanted = {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      };
      const wrong = Object.entries(wanted).find(([name, value]) => field(call, name) !== value);
      if (wrong !== undefined) return { status: 400, body: oauth('invalid_request', wrong[0]) };
      const audience = state.pools.get(field(call, 'audience'));
      const token = field(call, 'subject_token');
      const subject = audience && (await state.review(token, audience));
      if (!subject) {
        return {
          status: 400,
          body: oauth('invalid_grant', 'The audience in ID Token does not match'),
        };
      }
      return oauthToken(state, subject);
    },
  };
}

export function googleIam(state: GcpState): Service {
  return {
    problem,
    codes: { denied: [403, 'PERMISSION_DENIED'], throttled: [429, 'RESOURCE_EXHAUSTED'] },
    answer({ path, headers, body }) {
      const [, encoded = ''] = /\/serviceAccounts\/([^/:]+):generateAccessToken$/.exec(path) ?? [];
      const email = decodeURIComponent(encoded);
      const token = state.tokens.get(String(headers.authorization).replace(/^Bearer /, ''));
      if (token === undefined) return { status: 401, body: problem('UNAUTHENTICATED', 'no') };
      if (state.accounts.get(email) !== token.whose) {
        const what = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource";
        return { status: 403, body: problem('PERMISSION_DENIED', what) };
      }
      const { scope } = JSON.parse(body) as { scope?: string[] };
      if (!scope?.length) return { status: 400, body: problem('INVALID_ARGUMENT', 'scope') };
      const made = newToken(state, email);
      const expireTime = new Date(made.expiresAt).toISOString();
      return { status: 200, body: { accessToken: made.token, expireTime } };
    },
  };
}

export const GKE = { project: 'acme', location: 'europe-west1', name: 'prod' };

export function metadata(state: GcpState): Service {
  const values: Record<string, string> = {
    'project/project-id': GKE.project,
    'instance/attributes/cluster-location': GKE.location,
    'instance/attributes/cluster-name': GKE.name,
  };
  const headers = { 'metadata-flavor': 'Google' };
  return {
    problem: () => '',
    codes: { denied: [404, ''], throttled: [429, ''] },
    answer({ headers: sent, path }) {
      if (sent['metadata-flavor'] !== 'Google') return { status: 403, body: '', headers };
      const [, name = ''] = /\/computeMetadata\/v1\/([^?]+)/.exec(path) ?? [];
      if (name === 'instance/service-accounts/default/token') {
        return { ...oauthToken(state, 'node@acme.iam.gserviceaccount.com'), headers };
      }
      const value = values[name];
      return value === undefined
        ? { status: 404, body: '', headers }
        : { status: 200, body: value, headers };
    },
  };
}

export function container(state: GcpState, cluster: { endpoint: string; ca: string }): Service {
  return {
    problem,
    codes: { denied: [403, 'PERMISSION_DENIED'], throttled: [429, 'RESOURCE_EXHAUSTED'] },
    answer({ headers, path }) {
      const token = state.tokens.get(String(headers.authorization).replace(/^Bearer /, ''));
      if (token === undefined) return { status: 401, body: problem('UNAUTHENTICATED', 'no') };
      if (!path.endsWith('/v1/projects/acme/locations/europe-west1/clusters/prod')) {
        return { status: 404, body: problem('NOT_FOUND', 'no') };
      }
      const clusterCaCertificate = Buffer.from(cluster.ca).toString('base64');
      // As at Google, the address has no scheme.
      const endpoint = cluster.endpoint.replace('https://', '');
      return { status: 200, body: { endpoint, masterAuth: { clusterCaCertificate } } };
    },
  };
}
