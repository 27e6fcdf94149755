// Whose token it is: an account's that an object or the operator names, or the service's own. Nothing falls back from one to the
// other: a named account that can't be used is a failure.
import type { Expiring } from '@weir/async';
import { type Account, type AccountClient, readAccount, requestToken } from './account.ts';
import { requireKubernetesToken } from './annotations.ts';
import type { TokenCache } from './cache.ts';
import { IdentityError, invalidConfiguration, within } from './errors.ts';
import type { AccessToken, Subject } from './types.ts';

/** What of a cloud is wanted; it is part of the key of a token. */
export interface Wanted {
  scope?: string | undefined;
  audiences?: readonly string[] | undefined;
  region?: string | undefined;
  endpoint?: string | undefined;
  proxy?: string | undefined;
}

/** How a cloud gives tokens. */
export interface TokenProvider<T extends Expiring> {
  /** Who takes the token of Kubernetes for an account; none where that is the API server. */
  audiencesOf(account: Account, wanted: Wanted, signal: AbortSignal): Promise<readonly string[]>;
  /** Who the account is in the cloud, by its annotations: tokens of others aren't its. @throws IdentityError */
  identityOf(account: Account): unknown;
  /** Exchanges the token of an account of Kubernetes for one of the cloud. */
  exchange(account: Account, token: AccessToken, wanted: Wanted, signal: AbortSignal): Promise<T>;
  /** Makes a token for the service itself. */
  own(wanted: Wanted, signal: AbortSignal): Promise<T>;
  /** How long the token of Kubernetes has to hold, in seconds. A token that is exchanged at once needs no long life. */
  lifetimeSeconds: number;
}

export interface Access<T extends Expiring> {
  /** Whether the identity is the service's own. */
  isOwn: boolean;
  /** What stands for the identity and what it is for. */
  parts: readonly unknown[];
  /** A token of the identity, which may have been made before. */
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
 * The account that counts for a subject: undefined for the service's own identity.
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

/** The service's own identity opens what all tenants use: it isn't shown where the object's author could read along. */
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
