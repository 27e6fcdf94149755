import type { Flags } from '@weir/service/flags';

/** The flags that only this service reads. */
export const flags: Flags = {
  'sops-age-secret': {
    help: 'Secret of the runtime namespace with age keys, for Kustomizations whose decryption names no Secret',
    value: 'name',
  },
  'sops-vault-configmap': {
    help: 'ConfigMap of the runtime namespace with the OpenBao and Vault servers that accounts may log in to for decryption, and their login paths',
    value: 'name',
  },
  'default-decryption-service-account': {
    help: 'Account of Kustomizations whose decryption names none, for key management services; the service itself is asked for none then',
    value: 'name',
  },
  'custom-apply-stage-kinds': {
    help: '<group>/<kind> of what is applied before the rest, with commas',
    value: 'kinds',
    list: true,
  },
};
