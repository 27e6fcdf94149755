export { loadService, SERVICES } from './catalogue.ts';
export { type Running, type StartOptions, startServices } from './start.ts';
