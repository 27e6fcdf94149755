export { AUDIENCES, audiencesOf } from './annotations.ts';
export { AZURE_SCOPES } from './azure/cloud.ts';
export type { CacheOptions } from './cache.ts';
export { cacheRecorder } from './cache-metrics.ts';
export { clusterAddress } from './clusters.ts';
export { ENDPOINTS, type EndpointName, type Endpoints } from './endpoints.ts';
export { IdentityError, type IdentityReason } from './errors.ts';
export { createIdentities, type Identities, type IdentitiesOptions } from './identities.ts';
export { identityOptions } from './options.ts';
export {
  type AccessToken,
  type AwsCredentials,
  type Cloud,
  type ClusterReference,
  cloudOf,
  type GitLogin,
  type Login,
  ownTrustOf,
  type Provider,
  type RestConfig,
  type Subject,
} from './types.ts';
