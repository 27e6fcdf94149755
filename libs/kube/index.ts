export { createChangeTracker } from './change-tracker.ts';
export type * from './client.ts';
export { type ConnectOptions, connectKube, userAgent } from './connect.ts';
export * from './errors.ts';
export { type Impersonation, serviceAccountUser } from './impersonate.ts';
export * from './object.ts';
export * from './resources.ts';
export { readSecret, readTypedSecret, type SecretData, type TypedSecret } from './secrets.ts';
export { connectAsServiceAccount } from './service-account.ts';
