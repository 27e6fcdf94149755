import type { Flags } from '@weir/service/flags';

/** The flags that only this service reads. */
export const flags: Flags = {
  'deliveries-per-namespace': {
    help: 'Messages to the Alerts of one namespace that may wait; beyond that the oldest become dead letters',
    value: 'n',
    default: '10000',
  },
  'default-grouping': {
    help: 'Window in which failures that are alike become one message, for Alerts to chats without spec.grouping, such as 30s; 0s for none, as in Flux',
    value: 'duration',
    default: '0s',
  },
  'concurrent-lookups': {
    help: 'Names of receivers that are looked up at a time; fewer than UV_THREADPOOL_SIZE, which is 4 unless set',
    value: 'n',
    default: '2',
  },
  'events-port': {
    help: "Port of Flux's events endpoint, to which other components post theirs",
    value: 'port',
    default: '9090',
  },
  'receiver-port': {
    help: 'Port of the webhooks of Receivers',
    value: 'port',
    default: '9292',
  },
  'rate-limit-interval': {
    help: 'How long the events endpoint takes the same event only once',
    value: 'duration',
    default: '5m',
  },
};
