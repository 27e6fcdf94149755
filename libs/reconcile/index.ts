export { asFailure, Failure, type FailureOptions, findCause, messageOf } from './failure.ts';
export { intervalMs } from './intervals.ts';
export { newestOf } from './newest.ts';
export {
  asFailed,
  asProgressing,
  asSucceeded,
  beginReport,
  type CommonStatus,
  type ConditionTypes,
  dropStates,
  type Fields,
  finalStatusOf,
  isAwaited,
  isReported,
  type Reconciled,
  type State,
  type StatusReport,
  setFields,
  setState,
  statusOf,
} from './status-report.ts';
export { openStatus, type SessionOptions, type StatusSession } from './status-session.ts';
export { refuseUnsupported } from './unsupported.ts';
