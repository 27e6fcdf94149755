// `spec.kubeConfig`: the reference to the Secret or ConfigMap of another cluster.
import type { Acting } from '@weir/apply';

/** An object whose spec may name another cluster. */
export type Placed = Acting & {
  spec: {
    kubeConfig?: {
      secretRef?: { name: string; key?: string };
      configMapRef?: { name: string };
    };
  };
};

export interface Reference {
  kind: 'Secret' | 'ConfigMap';
  namespace: string;
  name: string;
  /** The key in the Secret; the default keys if it is left out. */
  key?: string | undefined;
}

/** Undefined for an object that is applied to the service's own cluster. */
export function referenceOf({ metadata, spec }: Placed): Reference | undefined {
  const { namespace = '' } = metadata;
  const { secretRef, configMapRef } = spec.kubeConfig ?? {};
  if (secretRef !== undefined) {
    return { kind: 'Secret', namespace, name: secretRef.name, key: secretRef.key || undefined };
  }
  if (configMapRef === undefined) return undefined;
  return { kind: 'ConfigMap', namespace, name: configMapRef.name };
}

/** `Secret/apps/kubeconfig` */
export function subjectOfReference({ kind, namespace, name }: Reference): string {
  return `${kind}/${namespace}/${name}`;
}
