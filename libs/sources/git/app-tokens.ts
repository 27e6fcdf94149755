// Tokens of GitHub Apps: requested when they are needed, and kept until shortly before they expire.
import { createExpiringCache } from '@weir/async';
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
   * Returns a token with at least a fifth of its lifetime left; GitHub's tokens live for an hour.
   * @param tenant the namespace that the token is for
   * @throws ForgeError, AddressRefused, GitError
   */
  get(access: AppAccess, options: { tenant: string; timeoutMs: number }): Promise<string>;
  /** Drops a token that the server has refused. */
  forget(access: AppAccess): void;
}

const REMEMBERED = 1_000;

/** @param signal aborts all requests */
export function createAppTokens(options: {
  slots: GitSlots;
  network: NetworkPolicy;
  signal: AbortSignal;
}): AppTokens {
  const { slots, network, signal } = options;
  const tokens = createExpiringCache<InstallationToken>({ max: REMEMBERED });

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
      const { host } = new URL(access.app.baseUrl ?? 'https://api.github.com/');
      const make = () => slots.ask({ namespace: tenant, host }, () => create(access, timeoutMs));
      return (await tokens.get([access], make, signal)).token;
    },
    forget: (access) => tokens.delete([access]),
  };
}
