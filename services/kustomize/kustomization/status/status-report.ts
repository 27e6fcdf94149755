// What a reconcile says about itself while it runs and when it ends: conditions, status, events.
import { isDeepStrictEqual } from 'node:util';
import {
  type Condition,
  findCondition,
  HEALTHY,
  type InventoryEntry,
  type Kustomization,
  Kustomization as KustomizationKind,
  type KustomizationStatus,
  READY,
  RECONCILING,
  Reason,
  reconcileRequest,
  removeCondition,
  STALLED,
  setCondition,
} from '@weir/api';
import { createStatusWriter, type ReconcileContext } from '@weir/controller';
import { objectKey } from '@weir/kube';
import { type Environment, STATUS_MANAGER } from '../environment.ts';
import { type Attempt, isRepeated, upsertHistory } from './history.ts';

type ConditionType = typeof READY | typeof RECONCILING | typeof STALLED | typeof HEALTHY;
export type State = Pick<Condition, 'status' | 'reason' | 'message'>;
type Stated = State & Pick<Condition, 'observedGeneration'>;
type Fields = Omit<KustomizationStatus, 'conditions' | 'history' | 'lastHandledReconcileAt'>;

export interface Report {
  /** The status fields as they stand in this run. */
  fields(): Fields;
  /** Sets fields; `undefined` removes one. */
  set(fields: { [K in keyof Fields]?: Fields[K] | undefined }): void;
  condition(type: ConditionType): State | undefined;
  mark(type: ConditionType, state: State): void;
  drop(type: ConditionType): void;
  /** Under way, and with what. Written if the run takes longer than a second, unless it is quiet. */
  progress(message: string): void;
  /** A quiet run only looks whether all is still as it was: it has no progress to show. */
  quiet(on: boolean): void;
  /** Writes the inventory now, before what it names is there. */
  record(entries: InventoryEntry[]): Promise<void>;
  /** Writes the end of the run if it says anything new; tells whether it did. */
  finish(attempt?: Attempt): Promise<boolean>;
  /** Leaves the end to the run that takes this one's place. */
  abandon(): void;
}

/** Begins with the status that the object has. */
export function createReport(
  env: Environment,
  object: Kustomization,
  ctx: ReconcileContext,
): Report {
  const { generation = 0 } = object.metadata;
  const { conditions: _conditions, history: _history, ...before } = object.status ?? {};
  const { lastHandledReconcileAt: _handled, ...initial } = before;
  let fields: Fields = initial;
  let isQuiet = false;
  // What this run says nothing about stays as it was, with the generation that it was said of.
  const states = new Map<ConditionType, Stated | undefined>(
    [READY, RECONCILING, STALLED, HEALTHY].map((type) => [
      type as ConditionType,
      findCondition(object.status?.conditions, type),
    ]),
  );
  const writer = createStatusWriter(env.client, KustomizationKind, object, {
    fieldManager: STATUS_MANAGER,
    informer: env.kustomizations,
    guard: ctx.guard,
  });

  /** As the cluster has it now, with what this run wrote before. */
  function persisted(): KustomizationStatus {
    const seen = env.kustomizations.get(objectKey(object));
    return (seen?.metadata.uid === object.metadata.uid ? seen?.status : object.status) ?? {};
  }
  /**
   * Conditions keep their transition time where what the cluster has says the same: a state that
   * nobody could see is no transition.
   */
  function conditions(): Condition[] {
    return [...states].reduce<Condition[]>(
      (list, [type, state]) =>
        state === undefined
          ? removeCondition(list, type)
          : setCondition(list, { observedGeneration: generation, type, ...stated(state) }),
      persisted().conditions ?? [],
    );
  }
  function draft(): KustomizationStatus {
    const { history, lastHandledReconcileAt } = persisted();
    const list = conditions();
    return {
      ...fields,
      // Where there are none yet, an empty list would be a write that says nothing.
      ...(list.length > 0 || persisted().conditions ? { conditions: list } : {}),
      ...(history === undefined ? {} : { history }),
      ...(lastHandledReconcileAt === undefined ? {} : { lastHandledReconcileAt }),
    };
  }
  /** Ready ends what is under way; a failure goes on trying. */
  function conclude(): void {
    const ready = states.get(READY)?.status;
    const reconciling = states.get(RECONCILING);
    if (ready === 'True') {
      states.set(RECONCILING, undefined);
      fields = { ...fields, observedGeneration: generation };
    } else if (ready === 'False' && reconciling !== undefined) {
      states.set(RECONCILING, { ...stateOf(reconciling), reason: Reason.ProgressingWithRetry });
    }
  }

  return {
    fields: () => fields,
    set: (more) => {
      const all = Object.entries({ ...fields, ...more });
      fields = Object.fromEntries(all.filter(([, value]) => value !== undefined));
    },
    condition: (type) => states.get(type),
    mark: (type, state) => {
      states.set(type, stateOf(state));
      if (type === STALLED) states.set(RECONCILING, undefined);
    },
    drop: (type) => {
      states.set(type, undefined);
    },
    progress(message) {
      const reason = Reason.Progressing;
      states.set(STALLED, undefined);
      states.set(READY, { status: 'Unknown', reason, message: 'Reconciliation in progress' });
      states.set(RECONCILING, { status: 'True', reason, message });
      if (!isQuiet) writer.progress(draft());
    },
    quiet: (on) => {
      isQuiet = on;
    },
    async record(entries) {
      fields = { ...fields, inventory: { entries } };
      await writer.now(draft());
    },
    abandon: writer.abandon,
    async finish(attempt) {
      conclude();
      const request = reconcileRequest(object);
      const last = persisted();
      const status: KustomizationStatus = {
        ...draft(),
        ...(request === undefined ? {} : { lastHandledReconcileAt: request }),
      };
      const isNews =
        !isDeepStrictEqual(status, last) ||
        (attempt !== undefined && !isRepeated(last.history ?? [], attempt));
      const history =
        isNews && attempt !== undefined ? upsertHistory(last.history ?? [], attempt) : last.history;
      await writer.finish({ ...status, ...(history === undefined ? {} : { history }) });
      return isNews;
    },
  };
}

function stateOf({ status, reason, message }: State): State {
  return { status, reason, message };
}

/** Without the rest of a condition, its transition time above all. */
function stated(state: Stated): Stated {
  const { observedGeneration } = state;
  return { ...stateOf(state), ...(observedGeneration === undefined ? {} : { observedGeneration }) };
}
