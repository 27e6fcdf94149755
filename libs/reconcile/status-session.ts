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

/** The report of one run, and the writes of the object's status: only as many as somebody could see. */
export interface StatusSession<T extends Reconciled<Status>, Status extends CommonStatus> {
  report(): StatusReport<Status>;
  /** Changes the report: takes the present one and returns the new one. Nothing is written yet. */
  update(change: (report: StatusReport<Status>) => StatusReport<Status>): void;
  /** Writes the report if the run goes on for longer than a second. Never fails. */
  show(): void;
  /** Writes the report now; resolves with the object after the write. */
  save(): Promise<T>;
  /** Writes the final status of the run, with the request that the object carries as handled. */
  finish(change?: (status: Status) => Status): Promise<T>;
  /** Leaves the final status to the run that replaces this one. */
  abandon(): void;
  /** The status in the cluster, as far as it is known. */
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

/** Opens the report of a run, starting from the object's status. */
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
