// How providers talk to forges (libs/forge).
import {
  checkGitHubApp,
  createInstallationToken,
  type ForgeCall,
  type ForgeCredentials,
  ForgeError,
  type ForgeRepository,
  parseRepository,
} from '@weir/forge';
import { DeliveryError } from '../../delivery/errors.ts';
import { invalidProvider } from '../message.ts';
import type { Io } from '../provider.ts';
import type { Target } from '../target.ts';

/** A page of a hundred comments may be long. */
const MAX_ANSWER_BYTES = 8 * 1024 ** 2;

/** The connections of a delivery, as a forge's functions want them. */
export function forgeCall(io: Pick<Io, 'request'>): ForgeCall {
  return async ({ method, url, headers, body, contentType = 'application/json', accept = [] }) =>
    io.request({
      ...{ method, url, accept, maxBytes: MAX_ANSWER_BYTES },
      headers: body === undefined ? headers : { 'content-type': contentType, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
}

/** Runs what talks to a forge; what can't be asked for at all is a fault of the Provider. */
export async function asProvider<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    throw new DeliveryError('InvalidProvider', error.message, { cause: error });
  }
}

export function repositoryOf({ address }: Target): ForgeRepository {
  return parseRepository(address);
}

/** A token, or else a user's password in its place, as the Secret has it. */
export function tokenCredentials({ token, password }: Target): ForgeCredentials {
  if (token) return { token };
  if (password) return { token: password };
  throw invalidProvider("the secret has neither 'token' nor 'password'");
}

/** Those of GitHub: a GitHub App's where the Secret holds one, else a token. */
export async function gitHubCredentials(target: Target, io: Io): Promise<ForgeCredentials> {
  const text = (key: string) => target.secret?.get(key)?.toString('utf8').trim();
  const id = text('githubAppID');
  if (!id) return tokenCredentials(target);
  const installationId = text('githubAppInstallationID');
  const baseUrl = text('githubAppBaseURL');
  const app = {
    id,
    privateKey: target.secret?.get('githubAppPrivateKey')?.toString('utf8') ?? '',
    installation: installationId
      ? { id: installationId }
      : { owner: text('githubAppInstallationOwner') ?? '' },
    ...(baseUrl ? { baseUrl } : {}),
  };
  checkGitHubApp(app);
  const { ca, cert: certificate, key } = target.tls ?? {};
  const tls = { ...(ca ? { ca } : {}), ...(certificate && key ? { certificate, key } : {}) };
  const { token } = await createInstallationToken(app, {
    network: io.policy,
    signal: io.signal,
    tls,
  });
  return { token };
}
