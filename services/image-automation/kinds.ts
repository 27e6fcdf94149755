// The table of kinds that this service owns. A new kind is a folder and a row here.
import type { KubeObject } from '@weir/kube';
import { openImagePolicies } from './imagepolicy/kind.ts';
import { openImageRepositories } from './imagerepository/kind.ts';
import { openImageUpdateAutomations } from './imageupdateautomation/kind.ts';
import type { ImageEnvironment, ImageKind, OpenKind } from './shared/kind.ts';

/** Opens the kinds, in the order in which a new tag passes them. */
export function openKinds(environment: ImageEnvironment): ImageKind<KubeObject>[] {
  const opened = <T extends KubeObject>(open: OpenKind<T>) =>
    open(environment) as unknown as ImageKind<KubeObject>;
  return [
    opened(openImageRepositories),
    opened(openImagePolicies),
    opened(openImageUpdateAutomations),
  ];
}
