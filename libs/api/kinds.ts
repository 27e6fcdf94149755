// Every kind that Weir serves, in the order in which a change passes through them.
import type { KubeObject } from '@weir/kube';
import { HelmRelease } from './helm/helmrelease.ts';
import { ImagePolicy } from './image/imagepolicy.ts';
import { ImageRepository } from './image/imagerepository.ts';
import { ImageUpdateAutomation } from './image/imageupdateautomation.ts';
import { Kustomization } from './kustomize/kustomization.ts';
import { Alert } from './notification/alert.ts';
import { Provider } from './notification/provider.ts';
import { Receiver } from './notification/receiver.ts';
import { crdFor } from './schema/crd.ts';
import type { Kind } from './schema/kind.ts';
import { Bucket } from './source/bucket.ts';
import { ExternalArtifact } from './source/externalartifact.ts';
import { GitRepository } from './source/gitrepository.ts';
import { HelmChart } from './source/helmchart.ts';
import { HelmRepository } from './source/helmrepository.ts';
import { OCIRepository } from './source/ocirepository.ts';

export const kinds: readonly Kind[] = [
  GitRepository,
  OCIRepository,
  Bucket,
  HelmRepository,
  HelmChart,
  ExternalArtifact,
  Kustomization,
  HelmRelease,
  ImageRepository,
  ImagePolicy,
  ImageUpdateAutomation,
  Provider,
  Alert,
  Receiver,
];

/** The CustomResourceDefinitions of all kinds. */
export function crds(): KubeObject[] {
  return kinds.map(crdFor);
}
