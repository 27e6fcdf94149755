export { loadService, SERVICES } from './catalogue.ts';
export { installCrds } from './crds.ts';
export { type Running, type StartOptions, startServices } from './start.ts';
