// What the service needs to know of ImagePolicies, and what they alone need.
import { ImagePolicy } from '@weir/api';
import { objectKey } from '@weir/kube';
import type { OpenKind } from '../shared/kind.ts';

export const openImagePolicies: OpenKind<ImagePolicy> = ({ policies }) => ({
  kind: ImagePolicy,
  informer: policies,
  ownershipKey: objectKey,
  reconcile: async () => ({}),
});
