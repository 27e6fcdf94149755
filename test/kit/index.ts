export { type AppOptions, appFiles } from './example.ts';
export { type ProcessOptions, startProcess, type WeirProcess } from './processes.ts';
export { gitRepository, isFailed, isReady, kustomization, readyOf } from './resources.ts';
