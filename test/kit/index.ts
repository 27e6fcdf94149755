export { type Files, publishFiles, type SourceOptions } from './artifacts.ts';
export { type CompatibilitySection, compatibilitySections } from './compatibility.ts';
export { Crash, type Doomed, doomedClient, runAsProcess } from './crash.ts';
export { type PublishedEvent, recordEvents, recordEventsOf } from './events.ts';
export { type AppOptions, appFiles } from './example.ts';
export { type FieldTable, fieldsSetBy, testFieldTable } from './field-table.ts';
export { type ObjectHelpers, objectHelpers } from './objects.ts';
export { pageExamples } from './page-examples.ts';
export { type Platform, RUNTIME, startPlatform } from './platform.ts';
export { type ProcessOptions, startProcess, type WeirProcess } from './processes.ts';
export {
  applyKubeconfig,
  namespaceInBoth,
  REMOTE,
  type RemoteCluster,
  startRemoteCluster,
} from './remote.ts';
export { gitRepository, isFailed, isReady, kustomization, readyOf } from './resources.ts';
export {
  type ServiceHarness,
  type ServiceHarnessOptions,
  startServiceHarness,
} from './service-harness.ts';
export { startWeir, type Weir, type WeirOptions } from './weir.ts';
