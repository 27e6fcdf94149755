import type { Flags } from '@weir/service/flags';

/** The flags that only this service reads. */
export const flags: Flags = {
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
  'helm-index-max-bytes': {
    help: 'Largest index of a chart repository that is fetched',
    value: 'bytes',
    default: '50 MiB',
  },
  'sigstore-tuf-url': {
    help: 'TUF repository that says what is trusted of signatures without keys; asked only where a source wants one',
    value: 'url',
    default: 'https://tuf-repo-cdn.sigstore.dev',
  },
  'sigstore-tuf-root': {
    help: "That repository's root.json, or the path of it, which is trusted to begin with",
    value: 'json',
    default: "Sigstore's",
  },
  'artifact-store-bytes': {
    help: 'What all artifacts may take in NATS',
    value: 'bytes',
    default: '5 GiB',
  },
  'namespace-max-bytes': {
    help: 'What the artifacts of one namespace may take in NATS',
    value: 'bytes',
    default: '1 GiB',
  },
  'artifact-cache-bytes': {
    help: 'Size of the artifact cache',
    value: 'bytes',
    default: '1 GiB',
  },
};
