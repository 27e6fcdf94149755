// The status of a Kustomization during one run: what the steps report, and when it is written.
import { isDeepStrictEqual } from 'node:util';
import {
  HEALTHY,
  type InventoryEntry,
  type Kustomization,
  Kustomization as KustomizationKind,
  type KustomizationStatus,
  READY,
  RECONCILING,
} from '@weir/api';
import type { ReconcileContext } from '@weir/controller';
import {
  asProgressing,
  dropStates,
  openStatus,
  type State,
  type StatusReport,
  type StatusSession,
  setFields,
} from '@weir/reconcile';
import { type Environment, STATUS_MANAGER } from '../environment.ts';
import { type Attempt, isRepeated, upsertHistory } from './history.ts';

type Report = StatusReport<KustomizationStatus>;
type Session = StatusSession<Kustomization, KustomizationStatus>;

export interface RunStatus extends Pick<Session, 'report' | 'update' | 'abandon'> {
  condition(type: typeof READY | typeof HEALTHY): State | undefined;
  /** Reports the step that begins. It is written if the run takes longer than a second, unless the run is quiet. */
  progress(message: string): void;
  /** A quiet run only checks that nothing has changed, and reports no progress. */
  quiet(on: boolean): void;
  /** Writes the inventory now, before the objects that it names are applied. */
  recordInventory(entries: InventoryEntry[]): Promise<void>;
  /** Writes the final status if it has anything new; resolves with whether it has. */
  finish(attempt?: Attempt): Promise<boolean>;
}

/** Starts from the present status of the object. */
export function openRunStatus(
  { client, kustomizations }: Pick<Environment, 'client' | 'kustomizations'>,
  object: Kustomization,
  ctx: ReconcileContext,
): RunStatus {
  const session: Session = openStatus<Kustomization, KustomizationStatus>(object, ctx, {
    client,
    kind: KustomizationKind,
    fieldManager: STATUS_MANAGER,
    informer: kustomizations,
    types: { others: [HEALTHY] },
  });
  let isQuiet = false;

  return {
    report: session.report,
    update: session.update,
    abandon: session.abandon,
    condition: (type) => session.report().states.get(type),
    progress(message) {
      session.update((it) => asProgressing(it, message, 'Reconciliation in progress'));
      if (!isQuiet) session.show();
    },
    quiet: (on) => {
      isQuiet = on;
    },
    async recordInventory(entries) {
      session.update((it) => setFields(it, { inventory: { entries } }));
      await session.save();
    },
    async finish(attempt) {
      let isNews = false;
      await session.finish((status) => {
        const last = session.persisted() ?? {};
        const before = last.history ?? [];
        isNews =
          !isDeepStrictEqual(status, last) ||
          (attempt !== undefined && !isRepeated(before, attempt));
        if (!isNews || attempt === undefined) return status;
        return { ...status, history: upsertHistory(before, attempt) };
      });
      return isNews;
    },
  };
}

/**
 * For a generation that changes nothing of what is applied: an object that was Ready before is Ready for this
 * generation too.
 */
export function asObserved(report: Report): Report {
  if (report.states.get(READY)?.status !== 'True') return report;
  return setFields(dropStates(report, [RECONCILING]), { observedGeneration: report.generation });
}
