import type { Flags } from '@weir/service/flags';

/** The flags that only this service reads. */
export const flags: Flags = {
  'image-max-tags': {
    help: 'Most tags that an image may have, without those left out on the way',
    value: 'n',
    default: '1000000',
  },
  'image-max-tag-bytes': {
    help: 'What all tags of an image may take in memory while they are listed',
    value: 'bytes',
    default: '24 MiB',
  },
  'image-newest-max-tags': {
    help: 'Most images that a policy `newest` looks at',
    value: 'n',
    default: '500',
  },
  'image-namespace-max-bytes': {
    help: 'What the tags of the images of one namespace may take in NATS, compressed',
    value: 'bytes',
    default: '64 MiB',
  },
};
