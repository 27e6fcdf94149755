import { createStatusWriter, type Informer, type ReconcileContext } from '@weir/controller';
import { type KubeClient, objectKey, type ResourceType } from '@weir/kube';
import {
  beginReport,
  type CommonStatus,
  type ConditionTypes,
  finalStatusOf,
  type Reconciled,
  type StatusReport,
  statusOf,
} from './status-report.ts';

/** The report of one run, and the writes that make it the object's status: as few as somebody could see. */
export interface StatusSession<T extends Reconciled<Status>, Status extends CommonStatus> {
  report(): StatusReport<Status>;
  /** Says more: takes the report so far and returns what it shall be. Nothing is written yet. */
  update(change: (report: StatusReport<Status>) => StatusReport<Status>): void;
  /** Writes what the report says by then if the run goes on for longer than a second. Never fails. */
  show(): void;
  /** Writes the report now; resolves with the object as it is then. */
  save(): Promise<T>;
  /** Writes the end of the run, with the answer to the request that the object carries. */
  finish(change?: (status: Status) => Status): Promise<T>;
  /** Leaves the end to the run that takes this one's place. */
  abandon(): void;
  /** The status as the cluster has it now, as far as is known. */
  persisted(): Status | undefined;
}

export interface SessionOptions<T extends Reconciled<CommonStatus>> {
  client: KubeClient;
  kind: ResourceType;
  /** The field manager of status writes. */
  fieldManager: string;
  informer: Pick<Informer<T>, 'get' | 'observe'>;
  types: ConditionTypes;
}

/** Opens the report of a run with what the status of the object says. */
export function openStatus<T extends Reconciled<Status>, Status extends CommonStatus>(
  object: T,
  { guard, log }: Pick<ReconcileContext, 'guard' | 'log'>,
  { client, kind, fieldManager, informer, types }: SessionOptions<T>,
): StatusSession<T, Status> {
  const writer = createStatusWriter<T>(client, kind, object, {
    fieldManager,
    informer,
    guard,
    log,
  });
  let report = beginReport<Status>(object, types);

  function persisted(): Status | undefined {
    const seen = informer.get(objectKey(object));
    return seen?.metadata.uid === object.metadata.uid ? seen?.status : object.status;
  }
  const written = (status: Status) => status as NonNullable<T['status']>;

  return {
    report: () => report,
    update(change) {
      report = change(report);
    },
    show: () => writer.progress(written(statusOf(report, persisted()))),
    save: () => writer.now(written(statusOf(report, persisted()))),
    finish(change = (status) => status) {
      return writer.finish(written(change(finalStatusOf(report, object, persisted()))));
    },
    abandon: () => writer.abandon(),
    persisted,
  };
}
