// `spec.kubeConfig`: the Secret or ConfigMap that says which cluster an object is applied to.
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
  /** The entry of the Secret; the usual ones where it is left out. */
  key?: string | undefined;
}

/** Undefined for an object of the cluster that the service runs in. */
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
