// How the reference of an object becomes a way to its cluster.
import type { KubeClient } from '@weir/kube';
import { ClusterError } from './errors.ts';
import { readSecretSource, type SecretWords, type Source } from './read-secret.ts';
import type { Reference } from './reference.ts';
import type { ClusterSettings } from './settings.ts';

export interface ReaderOptions {
  client: KubeClient;
  settings: Pick<ClusterSettings, 'rules'>;
  words: SecretWords;
}

/** Reads with the service's own rights, in the namespace of the object. Rejects with ClusterError. */
export function createReader({ client, settings, words }: ReaderOptions) {
  const { rules } = settings;
  return async function read(reference: Reference, signal: AbortSignal): Promise<Source> {
    if (reference.kind === 'Secret') {
      return readSecretSource(client, reference, { rules, words, signal });
    }
    throw new ClusterError('spec.kubeConfig.configMapRef is not supported yet: use secretRef');
  };
}
