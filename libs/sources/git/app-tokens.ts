// Tokens of GitHub Apps: made when they are wanted, kept for as long as they hold.
import { createHash } from 'node:crypto';
import { createBoundedMap, createSingleFlight } from '@weir/async';
import { createInstallationToken, type GitHubApp, type InstallationToken } from '@weir/forge';
import { type GitProxy, type GitSlots, type NetworkPolicy, requestProxy } from '@weir/git';
import { proxyFor } from '@weir/net';

/** An app, and how its API is reached. */
export interface AppAccess {
  app: GitHubApp;
  tls: { ca?: string; certificate?: string; key?: string };
  proxy: GitProxy | undefined;
}

export interface AppTokens {
  /**
   * A token that holds for five more minutes at least.
   * @param tenant the namespace that asks
   * @throws ForgeError, AddressRefused, GitError
   */
  get(access: AppAccess, options: { tenant: string; timeoutMs: number }): Promise<string>;
  /** Drops a token that turned out not to hold any more. */
  forget(access: AppAccess): void;
}

/** GitHub's tokens hold for an hour. */
const SPARE_MS = 5 * 60_000;
const REMEMBERED = 1_000;

/** @param signal ends all requests */
export function createAppTokens(options: {
  slots: GitSlots;
  network: NetworkPolicy;
  signal: AbortSignal;
}): AppTokens {
  const { slots, network, signal } = options;
  const tokens = createBoundedMap<string, InstallationToken>({ max: REMEMBERED });
  const share = createSingleFlight<InstallationToken>();

  async function create(access: AppAccess, timeoutMs: number): Promise<InstallationToken> {
    const { app, tls, proxy } = access;
    const url = new URL(app.baseUrl ?? 'https://api.github.com/');
    const through = proxy ? await requestProxy(proxy, network) : proxyFor(url, process.env);
    const { resolver, ...policy } = network;
    return createInstallationToken(app, {
      network: { ...policy, resolver, proxy: through },
      tls,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
  }

  return {
    async get(access, { tenant, timeoutMs }) {
      const key = keyOf(access);
      const before = tokens.get(key);
      if (before !== undefined && before.expiresMs - Date.now() > SPARE_MS) return before.token;
      const { host } = new URL(access.app.baseUrl ?? 'https://api.github.com/');
      const made = await share(key, () =>
        slots.ask({ namespace: tenant, host }, () => create(access, timeoutMs)),
      );
      tokens.set(key, made);
      return made.token;
    },
    forget: (access) => tokens.delete(keyOf(access)),
  };
}

/** Stands for an app and everything that decides what its API answers. */
export function keyOf(access: AppAccess): string {
  return createHash('sha256').update(JSON.stringify(access)).digest('hex');
}
