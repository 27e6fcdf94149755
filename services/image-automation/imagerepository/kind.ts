// What the service needs to know of ImageRepositories, and what they alone need.
import { ImageRepository } from '@weir/api';
import { objectKey } from '@weir/kube';
import type { OpenKind } from '../shared/kind.ts';

export const openImageRepositories: OpenKind<ImageRepository> = ({ repositories }) => ({
  kind: ImageRepository,
  informer: repositories,
  ownershipKey: objectKey,
  reconcile: async () => ({}),
});
