// Decides whose token is used: that of an account that an object or the operator names, or the service's own. There is
// no fallback: a named account that can't be used is a failure.
import type { Expiring } from '@weir/async';
import { type Account, type AccountClient, readAccount, requestToken } from './account.ts';
import { requireKubernetesToken } from './annotations.ts';
import type { TokenCache } from './cache.ts';
import { IdentityError, invalidConfiguration, within } from './errors.ts';
import type { AccessToken, Subject } from './types.ts';

/** What is requested from a cloud; it is part of the key of a token. */
export interface Wanted {
  scope?: string | undefined;
  audiences?: readonly string[] | undefined;
  region?: string | undefined;
  endpoint?: string | undefined;
  proxy?: string | undefined;
}

/** A cloud's way to issue tokens. */
export interface TokenProvider<T extends Expiring> {
  /** The audiences of the Kubernetes token for an account; empty if the token is for the API server. */
  audiencesOf(account: Account, wanted: Wanted, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * The identity of the account in the cloud, from its annotations, as part of the token's key.
   * @throws IdentityError
   */
  identityOf(account: Account): unknown;
  /** Exchanges the Kubernetes token of an account for a token of the cloud. */
  exchange(account: Account, token: AccessToken, wanted: Wanted, signal: AbortSignal): Promise<T>;
  /** Makes a token for the service's own identity. */
  own(wanted: Wanted, signal: AbortSignal): Promise<T>;
  /** The lifetime of the Kubernetes token, in seconds. One that is exchanged at once needs only a short one. */
  lifetimeSeconds: number;
}

export interface Access<T extends Expiring> {
  /** Whether the identity is the service's own. */
  isOwn: boolean;
  /** The key of the token: identity and purpose. */
  parts: readonly unknown[];
  /** A token of the identity, possibly a cached one. */
  get(): Promise<T>;
}

export interface AccessOptions {
  client: AccountClient;
  objectLevel: boolean;
  defaultServiceAccount: string | undefined;
  cache: TokenCache;
}

export type FindAccess = <T extends Expiring>(
  provider: TokenProvider<T>,
  subject: Subject,
  wanted: Wanted,
  signal: AbortSignal,
) => Promise<Access<T>>;

/**
 * The account for a subject; undefined for the service's own identity.
 * @throws IdentityError FeatureGateDisabled, AccountUnavailable; the signal's reason
 */
export async function accountOf(
  { client, objectLevel, defaultServiceAccount }: Omit<AccessOptions, 'cache'>,
  { namespace, serviceAccountName }: Pick<Subject, 'namespace' | 'serviceAccountName'>,
  signal: AbortSignal,
): Promise<Account | undefined> {
  const name = serviceAccountName || defaultServiceAccount;
  if (!name) return undefined;
  if (!objectLevel) {
    const what = 'ObjectLevelWorkloadIdentity feature gate is not enabled';
    throw new IdentityError('FeatureGateDisabled', what);
  }
  if (namespace === '') {
    throw new TypeError('an account is looked up in the namespace of the object that names it');
  }
  return readAccount(client, { namespace, name, isDefault: !serviceAccountName }, signal);
}

export function createAccess(options: AccessOptions): FindAccess {
  const { client, cache } = options;

  return async <T extends Expiring>(
    provider: TokenProvider<T>,
    subject: Subject,
    wanted: Wanted,
    signal: AbortSignal,
  ): Promise<Access<T>> => {
    const { namespace, provider: name, proxy } = subject;
    const all = { ...wanted, proxy };
    const account = await accountOf(options, subject, signal);
    const keep = (parts: readonly unknown[], make: (stop: AbortSignal) => Promise<T>) => ({
      isOwn: account === undefined,
      parts,
      get: () => cache.get(parts, namespace, make, signal),
    });
    if (account === undefined) {
      refuseToShow(subject);
      return keep([name, 'own', all], (stop) =>
        within('failed to create provider access token for the controller', () =>
          provider.own(all, stop),
        ),
      );
    }
    const whose = `'${account.namespace}/${account.name}'`;
    const identity = await within(
      `failed to get provider identity from service account ${whose} annotations`,
      async () => {
        requireKubernetesToken(account.annotations);
        return provider.identityOf(account);
      },
    );
    const audiences = await within('failed to get provider audience', () =>
      provider.audiencesOf(account, all, signal),
    );
    const { lifetimeSeconds } = provider;
    const owner = [account.namespace, account.name, account.uid, identity];
    return keep([name, owner, audiences, all], async (stop) => {
      const token = await requestToken(client, account, { audiences, lifetimeSeconds }, stop);
      return within(`failed to create provider access token for service account ${whose}`, () =>
        provider.exchange(account, token, all, stop),
      );
    });
  };
}

/**
 * The service's own identity has the rights for all tenants' objects: its token is not sent where the object's author
 * could read it.
 */
function refuseToShow({ proxy, ownTrust }: Subject): void {
  const isReadable = ownTrust === 'anybody' || (ownTrust === 'authority' && proxy !== undefined);
  if (!isReadable) return;
  const how =
    ownTrust === 'anybody'
      ? 'without checked TLS'
      : 'to an authority and through a proxy of the object';
  throw invalidConfiguration(
    `the identity of the service itself is not shown ${how}: name an account of the namespace (serviceAccountName), or leave that out`,
  );
}
