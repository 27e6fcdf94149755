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
export { pause, stopOnTrouble } from './pulling.ts';
export { ensureStream, isStreamGone, type StreamName, type StreamSettings } from './streams.ts';
export { kindGroup, objectTokens, type SubjectRef, subjectToken, tokenText } from './subjects.ts';
export { openValues, type Values, type ValuesOptions } from './values.ts';
