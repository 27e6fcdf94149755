export type * from './client.ts';
export type { DiscoveredResource, Discovery } from './discovery.ts';
export * from './errors.ts';
export { type Impersonation, serviceAccountUser } from './impersonate.ts';
export * from './object.ts';
export * from './resources.ts';
