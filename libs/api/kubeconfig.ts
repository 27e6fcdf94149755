// How a Kustomization or HelmRelease names another cluster.
import { localReference, object, optional, text } from './schema/schema.ts';

const ONE_KUBECONFIG =
  'exactly one of spec.kubeConfig.configMapRef or spec.kubeConfig.secretRef must be specified';

export const kubeConfig = object(
  {
    configMapRef: optional(
      localReference(
        'The ConfigMap that says how to reach the cluster with a workload identity: `provider`, `cluster`, `address`, `ca.crt`, `audiences`, `serviceAccountName`. Excludes `secretRef`.',
        'ConfigMap',
      ),
    ),
    secretRef: optional(
      object(
        {
          name: text('Name of the Secret.'),
          key: optional(
            text('Key that holds the kubeconfig. Defaults to `value`, then `value.yaml`.'),
          ),
        },
        'The Secret that holds a kubeconfig. Excludes `configMapRef`.',
      ),
    ),
  },
  'Apply to another cluster and not to this one.',
  {
    rules: [
      {
        rule: 'has(self.configMapRef) != has(self.secretRef)',
        message: ONE_KUBECONFIG,
        holds: ({ configMapRef, secretRef }) =>
          (configMapRef === undefined) !== (secretRef === undefined),
      },
    ],
  },
);

/** A field of Weir alone: docs/compatibility.md. */
export const clusterID = text(
  'The cluster that `spec.kubeConfig` led to: the UID of its namespace kube-system, or a digest of its address where that may not be read.',
);
