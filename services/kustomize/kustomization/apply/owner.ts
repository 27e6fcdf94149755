import type { Kustomization } from '@weir/api';
import { type Owner, ownerLabels } from '@weir/apply';
import { CONTROLLER, GROUP } from '../environment.ts';

/** The Kustomization as the owner of what it applies, with the labels that name the owner. */
export function ownerOf({ metadata }: Kustomization): Owner & { labels: Record<string, string> } {
  const { name, namespace = '' } = metadata;
  const labels = ownerLabels({ group: GROUP, name, namespace });
  return { group: GROUP, fieldManager: CONTROLLER, namespace, name, labels };
}
