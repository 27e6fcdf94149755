import type { Flags } from '@weir/service/flags';

/** The flags that only this service reads. */
export const flags: Flags = {
  'report-deleted-workloads': {
    help: 'Say of HelmReleases without drift detection which of their workloads somebody deleted',
    value: 'true or false',
    default: 'true',
  },
};
