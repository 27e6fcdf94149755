export { accessTo, failure } from './access.ts';
export { ACCOUNT_KEY, type BlobServer, startBlobServer } from './blob-server.ts';
export { type GcsServer, startGcsServer } from './gcs-server.ts';
export type { FilledBucket } from './objects.ts';
export {
  errorAnswer,
  listPage,
  type Script,
  type ScriptedObject,
  type ScriptedServer,
  startScripted,
} from './scripted.ts';
