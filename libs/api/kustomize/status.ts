// The status of a Kustomization: what was applied, when, and which objects that were.
import type { Static } from 'typebox';
import { inventory } from '../inventory.ts';
import { clusterID } from '../kubeconfig.ts';
import {
  conditionsSchema,
  lastHandledReconcileAt,
  NEVER_OBSERVED,
  observedGeneration,
} from '../schema/condition.ts';
import { dictionary, int64, list, object, optional, text, time } from '../schema/schema.ts';

const snapshot = object(
  {
    digest: text('Digest of what was applied.'),
    firstReconciled: time('When this was applied for the first time.'),
    lastReconciled: time('When this was last reconciled.'),
    lastReconciledDuration: text('How long the last reconciliation took, such as `1.2s`.'),
    lastReconciledStatus: text('Reason of the Ready condition after the last reconciliation.'),
    totalReconciliations: int64('How often this was reconciled.'),
    metadata: optional(dictionary('Further facts, such as the revision.')),
  },
  'One state that was applied.',
);

export const status = object(
  {
    conditions: optional(conditionsSchema),
    clusterID: optional(clusterID),
    inventory: optional(inventory),
    lastAppliedRevision: optional(
      text(
        'Revision of the source that was last applied as a whole, healthy where that is asked for.',
      ),
    ),
    lastAppliedOriginRevision: optional(
      text(
        'Revision that the applied artifact was made from, where its source tells: the commit behind an OCI artifact.',
      ),
    ),
    lastAttemptedRevision: optional(text('Revision of the source that was last tried.')),
    lastHandledReconcileAt: optional(lastHandledReconcileAt),
    observedGeneration: optional(observedGeneration),
    history: optional(list(snapshot, 'The last states that were applied, the newest first.')),
  },
  'What was applied last, and how that went.',
  { default: NEVER_OBSERVED },
);

export type HistorySnapshot = Static<typeof snapshot>;
