// The kind HelmRepository.
import { mkdir, rm } from 'node:fs/promises';
import { HelmRepository } from '@weir/api';
import { accessOwnershipKey, readAccess } from '../shared/charts/access.ts';
import type { OpenKind } from '../shared/kind.ts';
import { reconcile } from './reconcile.ts';
import { LATEST_FILE, words } from './words.ts';

export const openHelmRepositories: OpenKind<HelmRepository> = async (environment) => {
  const { client, signal } = environment;
  const { indexes, workDir } = environment.charts;
  // A killed process may have left files there, also those of HelmCharts.
  await rm(workDir, { recursive: true, force: true });
  await mkdir(workDir, { recursive: true });
  return {
    kind: HelmRepository,
    words,
    latestFile: LATEST_FILE,
    ownershipKey: accessOwnershipKey,
    reconcile: (object, context, informer) => reconcile(object, context, informer, environment),
    async restore(object) {
      if (object.spec.type === 'oci') return;
      await indexes.fetch(await readAccess(client, object, signal), undefined);
    },
    tidy: () => indexes.tidy(),
  };
};
