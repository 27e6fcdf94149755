import type { Flags } from '@weir/service/flags';

/** The flags that only this service reads. */
export const flags: Flags = {
  'sops-age-secret': {
    help: 'Secret of the runtime namespace with age keys, for Kustomizations whose decryption names no Secret',
    value: 'name',
  },
  'custom-apply-stage-kinds': {
    help: '<group>/<kind> of what is applied before the rest, with commas',
    value: 'kinds',
    list: true,
  },
};
