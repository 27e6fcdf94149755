export {
  type AzureCredentials,
  type ContainerOptions,
  isAzureBlobEndpoint,
  openBlobContainer,
} from './azure/open.ts';
export type { Bucket, ListedObject, ListLimits, ObjectContent } from './bucket.ts';
export { ObjectStoreError, type ObjectStoreReason, quoted } from './errors.ts';
export { type GcsOptions, openGcsBucket } from './gcs/open.ts';
export type { AccessKeys, LdapLogin, TemporaryKeys } from './s3/credentials.ts';
export { type BucketOptions, openBucket } from './s3/open.ts';
