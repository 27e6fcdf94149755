// The kind ImageRepository.
import { createHash } from 'node:crypto';
import { ImageRepository } from '@weir/api';
import { objectKey } from '@weir/kube';
import type { OpenKind } from '../shared/kind.ts';
import { reconcile } from './reconcile.ts';

export const openImageRepositories: OpenKind<ImageRepository> = (environment) => {
  const { repositories, bus } = environment;
  return {
    kind: ImageRepository,
    informer: repositories,
    ownershipKey,
    reconcile: (object, context) => reconcile(object, context, environment),
    connect(controller) {
      const runAll = (cause: string) => {
        for (const object of repositories.list()) controller.enqueue(objectKey(object), { cause });
      };
      // The contents of the stream are gone: each object notices that, and lists its tags again.
      return bus.onRecreated((stream) => stream === 'weir-tags' && runAll('tags lost'));
    },
  };
};

/** Objects with equal keys belong to one replica, which lists their tags once. */
function ownershipKey({ spec, metadata }: ImageRepository): string {
  const {
    image,
    insecure,
    provider = 'generic',
    secretRef,
    serviceAccountName,
    certSecretRef,
    proxySecretRef,
  } = spec;
  const named = { secretRef, serviceAccountName, certSecretRef, proxySecretRef };
  const isAnonymous = Object.values(named).every((it) => it === undefined);
  const namespace = isAnonymous ? '' : metadata.namespace;
  const text = JSON.stringify([image, insecure, provider, namespace, named]);
  return `image/${createHash('sha256').update(text).digest('hex')}`;
}
