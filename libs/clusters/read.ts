// Reads what an object's reference to a cluster leads to.
import type { Identities } from '@weir/identity';
import type { KubeClient } from '@weir/kube';
import { readConfigMapSource } from './read-config-map.ts';
import { readSecretSource, type SecretWords, type Source } from './read-secret.ts';
import type { Reference } from './reference.ts';
import type { ClusterSettings } from './settings.ts';

export interface ReaderOptions {
  client: KubeClient;
  identities: Pick<Identities, 'restConfig'>;
  settings: Pick<ClusterSettings, 'rules' | 'defaultAccount' | 'isShared'>;
  words: SecretWords;
}

/** Reads with the service's own rights, in the namespace of the object. Rejects with ClusterError. */
export function createReader({ client, identities, settings, words }: ReaderOptions) {
  const { rules, defaultAccount, isShared } = settings;
  return (reference: Reference, signal: AbortSignal): Promise<Source> =>
    reference.kind === 'Secret'
      ? readSecretSource(client, reference, { rules, words, signal })
      : readConfigMapSource(client, reference, { identities, defaultAccount, isShared, signal });
}
