export { type Clock, systemClock } from './clock.ts';
export { runController, Stopped } from './controller.ts';
export { addFinalizer, type FinalizerOptions, removeFinalizer } from './finalizers.ts';
export {
  type Change,
  type ChangeType,
  createInformer,
  type Index,
  type Informer,
  type InformerOptions,
  indexBy,
} from './informer.ts';
export {
  joinMembership,
  type Membership,
  type MembershipOptions,
  NotOwner,
} from './membership.ts';
export { mergeDiff } from './merge.ts';
export { backoffMs } from './queue.ts';
export type * from './reconcile.ts';
export { type LeaseObject, REPLICA_LABEL } from './replicas.ts';
export {
  createStatusWriter,
  type StatusOf,
  type StatusWriter,
  type StatusWriterOptions,
} from './status.ts';
export { isNewer } from './version.ts';
export { whileOwned } from './while-owned.ts';
