export type { ClusterAccess, ExecPlugin } from './access.ts';
export { createChangeTracker } from './change-tracker.ts';
export type * from './client.ts';
export {
  type ClusterOptions,
  type ConnectOptions,
  connectCluster,
  connectKube,
  userAgent,
} from './connect.ts';
export * from './errors.ts';
export { type Impersonation, serviceAccountUser } from './impersonate.ts';
export { type InlineRules, readInlineKubeconfig } from './inline-kubeconfig.ts';
export * from './object.ts';
export { collectionPath } from './path.ts';
export * from './resources.ts';
export { readSecret, readTypedSecret, type SecretData, type TypedSecret } from './secrets.ts';
export { connectAsServiceAccount } from './service-account.ts';
