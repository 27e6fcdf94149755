import type { Flags } from '@weir/service/flags';

/** The flags that the process itself reads, before any service. */
export const flags: Flags = {
  help: { help: 'Print this and exit' },
  kubeconfig: {
    help: 'Path of a kubeconfig',
    value: 'path',
    default: 'KUBECONFIG, the pod, or ~/.kube/config',
  },
  'nats-url': {
    help: 'NATS servers, with commas',
    value: 'url',
    default: 'NATS_URL, or localhost',
  },
  'nats-credentials': { help: 'Path of a .creds file', value: 'path' },
  'nats-ca': { help: 'Path of the certificate authority of the NATS servers (PEM)', value: 'path' },
  'events-max-age': { help: 'How long events are kept', value: 'duration', default: '168h' },
  'cluster-name': { help: 'Name of this cluster in messages', value: 'name', default: 'default' },
  'install-crds': { help: 'Install or update the CRDs first' },
  'service-accounts': {
    help: 'Create a service account for each service, with its rights, and run the service as it',
  },
  'health-port': { help: 'Port of /healthz, /readyz and /metrics', value: 'port', default: '9440' },
  'log-level': {
    help: 'debug, info, warn or error',
    value: 'level',
    default: 'LOG_LEVEL, or info',
  },
};
