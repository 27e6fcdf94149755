import type { SecretWords } from '@weir/clusters';

/** The messages of Flux's kustomize-controller about a Secret with a kubeconfig. */
export const words: SecretWords = {
  unread: (name, why) => `unable to read KubeConfig secret '${name}' error: ${why}`,
  lacks: (name, [key]) =>
    `KubeConfig secret '${name}' does not contain a '${key}' key with a kubeconfig`,
  invalid: (name, why) => `invalid KubeConfig in secret '${name}': ${why}`,
};
