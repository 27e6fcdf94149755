export { runController, Stopped } from './controller.ts';
export { addFinalizer, type FinalizerOptions, removeFinalizer } from './finalizers.ts';
export {
  type FluxLeaders,
  type FluxLeadersOptions,
  fluxNamespaces,
  watchFluxLeaders,
  whileFree,
  yieldToFlux,
} from './fluxleaders.ts';
export { type HealthOptions, type HealthServer, serveHealth } from './health.ts';
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
export type * from './reconcile.ts';
export type * from './service.ts';
export {
  createSettings,
  leaseTimes,
  type Range,
  type Settings,
  SettingsError,
  variableOf,
} from './settings.ts';
export {
  createStatusWriter,
  type StatusOf,
  type StatusWriter,
  type StatusWriterOptions,
} from './status.ts';
export { openStorage, type Storage } from './storage.ts';
export { isNewer } from './version.ts';
