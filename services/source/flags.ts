import type { Flags } from '@weir/service/flags';

/** The flags that only this service reads. */
export const flags: Flags = {
  'artifact-port': { help: 'Port of the artifact server', value: 'port', default: '9790' },
  'artifact-address': {
    help: 'Host, or host:port, of the artifact server as others reach it',
    value: 'address',
    default: 'localhost and its port',
  },
  'artifact-retention': {
    help: 'How long an artifact that nothing refers to is kept',
    value: 'duration',
    default: '10m',
  },
  'garbage-interval': {
    help: 'How often such artifacts are looked for',
    value: 'duration',
    default: '5m',
  },
  'artifact-max-bytes': { help: 'Largest tree that is packed', value: 'bytes' },
  'artifact-max-files': { help: 'Most files that are packed', value: 'n' },
  'artifact-cache-bytes': {
    help: 'Size of the artifact cache',
    value: 'bytes',
    default: '1 GiB',
  },
};
