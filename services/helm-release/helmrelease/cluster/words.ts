import type { SecretWords } from '@weir/clusters';

/** The messages of Flux's helm-controller about a Secret with a kubeconfig. */
export const words: SecretWords = {
  unread: (name, why) => `could not get KubeConfig secret '${name}': ${why}`,
  lacks: (name, keys) => {
    const named = keys.map((key) => `'${key}'`).join(' or ');
    return `KubeConfig secret '${name}' does not contain a ${named} key with data`;
  },
  invalid: (name, why) => `failed to load KubeConfig from secret '${name}': ${why}`,
};
