export {
  defineService,
  type ServiceDefinition,
  type ServiceParts,
  type StartedService,
} from './define.ts';
export type { Diff, DiffContext, Diffs } from './diff.ts';
export { engineMemoryBytes } from './engine-memory.ts';
export { type GateRules, isGateOn, readFeatureGates } from './feature-gates.ts';
export {
  type FluxLeaders,
  type FluxLeadersOptions,
  fluxNamespaces,
  watchFluxLeaders,
  yieldToFlux,
} from './flux-leaders.ts';
export { type HealthOptions, type HealthServer, serveHealth } from './health.ts';
export { openIdentities } from './identities.ts';
export type * from './service.ts';
export {
  createSettings,
  leaseTimes,
  type Range,
  type Settings,
  SettingsError,
  variableOf,
} from './settings.ts';
export { openStorage, type Storage } from './storage.ts';
