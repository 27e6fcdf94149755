export { type Bus, type BusOptions, BusUnavailable, connectBus, type Outgoing } from './bus.ts';
export {
  CLOUDEVENT_CONTENT_TYPE,
  type CloudEvent,
  decodeCloudEvent,
  encodeCloudEvent,
} from './cloudevents.ts';
export {
  type ConsumeOptions,
  consumeStream,
  type MessageContext,
  type Outcome,
} from './consume.ts';
export type { BusCredentials } from './credentials.ts';
export {
  OBJECT_BUCKET,
  STREAMS,
  type StreamName,
  type StreamSettings,
  streamDefinition,
  streamOwner,
  streamsOf,
} from './definitions.ts';
export { type Manage, manageStream } from './managed.ts';
export { pause } from './pause.ts';
export { openPieces, type Pieces, type PiecesRef, parsePiecesRef } from './pieces.ts';
export { stopOnTrouble } from './pulling.ts';
export { storedMessage } from './stored.ts';
export { hasCode, isStreamGone } from './streams.ts';
export { kindGroup, objectTokens, type SubjectRef, subjectToken, tokenText } from './subjects.ts';
export { openValues, type Values } from './values.ts';
export {
  type Head,
  openQueue,
  type QueuedMessage,
  QueueFull,
  type QueueItem,
  SubjectConflict,
  type WorkQueue,
} from './workqueue.ts';
