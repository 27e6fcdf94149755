// Kubernetes service accounts that objects name, and their tokens.
import { isNotFound, type KubeClient, type KubeObject, ServiceAccount } from '@weir/kube';
import { IdentityError } from './errors.ts';
import { claimsOf } from './jwt.ts';
import type { AccessToken } from './types.ts';

/** The part of the client that the lib uses. */
export type AccountClient = Pick<KubeClient, 'get' | 'request'>;

export interface Account {
  namespace: string;
  name: string;
  /** An account that is created again under its name has another UID. */
  uid: string;
  annotations: Readonly<Record<string, string>>;
}

export interface AccountRef {
  namespace: string;
  name: string;
  /** Whether the account is the operator's default, and not named by the object. */
  isDefault: boolean;
}

/** Flux's message if the operator has set a default account that the namespace lacks. */
const DEFAULT_MISSING =
  'the specified default service account does not exist in the object namespace. ' +
  'your cluster is subject to multi-tenant workload identity lockdown, reach out to your cluster administrator for help';

/** @throws IdentityError AccountUnavailable; the signal's reason */
export async function readAccount(
  client: AccountClient,
  { namespace, name, isDefault }: AccountRef,
  signal: AbortSignal,
): Promise<Account> {
  try {
    const { metadata } = await client.get<KubeObject>(
      ServiceAccount,
      { namespace, name },
      { signal },
    );
    const { uid = '', annotations = {} } = metadata;
    return { namespace, name, uid, annotations };
  } catch (cause) {
    if (signal.aborted) throw cause;
    const missing = isDefault ? DEFAULT_MISSING : `ServiceAccount "${name}" not found`;
    const why = isNotFound(cause) ? missing : messageOf(cause);
    throw unavailable(`failed to get service account '${namespace}/${name}': ${why}`, cause);
  }
}

/**
 * A Kubernetes token for the account (TokenRequest API).
 * @param audiences the API server itself if empty
 * @param lifetimeSeconds at least 600; the API server may choose another
 * @throws IdentityError AccountUnavailable, InvalidAnswer; the signal's reason
 */
export async function requestToken(
  client: AccountClient,
  { namespace, name }: Pick<Account, 'namespace' | 'name'>,
  { audiences, lifetimeSeconds }: { audiences: readonly string[]; lifetimeSeconds: number },
  signal: AbortSignal,
): Promise<AccessToken> {
  const what = `failed to create kubernetes token for service account '${namespace}/${name}'`;
  let token: string | undefined;
  try {
    const answer = await client.request<{ status?: { token?: string } }>({
      method: 'POST',
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(name)}/token`,
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences, expirationSeconds: lifetimeSeconds },
      },
      signal,
    });
    token = answer.status?.token;
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw unavailable(`${what}: ${messageOf(cause)}`, cause);
  }
  if (!token) throw unavailable(`${what}: the answer has no token`);
  const { exp } = claimsOf(token, what);
  return { token, expiresAt: exp * 1_000 };
}

function unavailable(message: string, cause?: unknown): IdentityError {
  return new IdentityError('AccountUnavailable', message, { cause });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
