export type { AccessKeys, LdapLogin } from './credentials.ts';
export { ObjectStoreError, type ObjectStoreReason, quoted } from './errors.ts';
export type { ListedObject, ListLimits } from './list.ts';
export { type Bucket, type BucketOptions, openBucket } from './open.ts';
export type { ObjectContent } from './read.ts';
