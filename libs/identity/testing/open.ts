// Identities for tests that need no Kubernetes: of the service itself.
import type { TestContext } from 'node:test';
import { createIdentities, type Identities, type IdentitiesOptions } from '../identities.ts';
import { type Clouds, startClouds } from './index.ts';

/** A client for tests in which nobody asks Kubernetes. */
const nobody = {
  get: () => Promise.reject(new Error('Kubernetes was asked')),
  request: () => Promise.reject(new Error('Kubernetes was asked')),
};

export interface OwnTest {
  clouds: Clouds;
  /** Identities of a service with these variables. */
  open(environment: NodeJS.ProcessEnv, options?: Partial<IdentitiesOptions>): Identities;
  signal: AbortSignal;
}

export async function openOwn(t: TestContext): Promise<OwnTest> {
  const clouds = await startClouds();
  t.after(() => clouds.close());
  return {
    clouds,
    signal: AbortSignal.timeout(30_000),
    open(environment, options = {}) {
      const identities = createIdentities({
        ...{ client: nobody, objectLevel: false, allowLocal: true, environment },
        ...{ endpoints: clouds.endpoints, cache: { max: 100, maxAgeMs: 3_600_000 } },
        network: { firstPauseMs: 1, attemptMs: 10_000 },
        ...options,
      });
      t.after(() => identities.close());
      return identities;
    },
  };
}

/** A token as Kubernetes puts it into a pod, for an account of `weir-system`. */
export function podClaims(audience: string, account = 'weir-source') {
  const sub = `system:serviceaccount:weir-system:${account}`;
  return { aud: [audience], sub, exp: Math.floor(Date.now() / 1_000) + 3_600 };
}
