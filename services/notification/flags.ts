import type { Flags } from '@weir/service/flags';

/** The flags that only this service reads. */
export const flags: Flags = {
  'deliveries-per-namespace': {
    help: 'Messages to the Alerts of one namespace that may wait; beyond that the oldest become dead letters',
    value: 'n',
    default: '10000',
  },
  'concurrent-lookups': {
    help: 'Names of receivers that are looked up at a time; fewer than UV_THREADPOOL_SIZE, which is 4 unless set',
    value: 'n',
    default: '2',
  },
};
