// Objects of every kind that has an interval.
import {
  Bucket,
  GitRepository,
  HelmChart,
  HelmRelease,
  HelmRepository,
  ImageRepository,
  type Kind,
  Kustomization,
  OCIRepository,
  Receiver,
} from '@weir/api';
import type { KubeObject } from '@weir/kube';

/** The fields that a spec needs besides its interval; none of them has to work. */
const SPECS = new Map<Kind, object>([
  [GitRepository, { url: 'http://127.0.0.1:1/x.git' }],
  [OCIRepository, { url: 'oci://127.0.0.1:1/x' }],
  [Bucket, { bucketName: 'x', endpoint: '127.0.0.1:1' }],
  [HelmRepository, { url: 'http://127.0.0.1:1' }],
  [HelmChart, { chart: 'x', sourceRef: { kind: 'HelmRepository', name: 'none' } }],
  [Kustomization, { path: './', prune: true, sourceRef: { kind: 'GitRepository', name: 'none' } }],
  [HelmRelease, { chartRef: { kind: 'OCIRepository', name: 'none' } }],
  [ImageRepository, { image: '127.0.0.1:1/x' }],
  [
    Receiver,
    { type: 'generic', secretRef: { name: 'none' }, resources: [{ kind: 'Bucket', name: 'x' }] },
  ],
]);

export function intervalKinds(): readonly Kind[] {
  return [...SPECS.keys()];
}

/** An object whose intervals and timeouts are this long. */
export function objectOf(
  kind: Kind,
  metadata: { namespace: string; name: string },
  duration: string,
): KubeObject {
  const timeout =
    duration === '1h' || kind === Receiver || kind === HelmChart ? {} : { timeout: duration };
  const spec = { interval: duration, ...timeout, ...SPECS.get(kind) };
  return { apiVersion: kind.apiVersion, kind: kind.kind, metadata, spec } as KubeObject;
}
