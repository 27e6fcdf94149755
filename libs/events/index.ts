export {
  type ArtifactMessage,
  type ArtifactReading,
  type ArtifactRef,
  publishArtifact,
  purgeArtifact,
  readArtifacts,
} from './artifacts.ts';
export { type Bus, type BusOptions, BusUnavailable, connectBus, type Outgoing } from './bus.ts';
export {
  CLOUDEVENT_CONTENT_TYPE,
  type CloudEvent,
  decodeCloudEvent,
  encodeCloudEvent,
} from './cloudevents.ts';
export { type ConsumeOptions, consumeEvents, type EventContext, type Outcome } from './consume.ts';
export type { BusCredentials } from './credentials.ts';
export type { FluxEvent, InvolvedObject } from './fluxevent.ts';
export {
  createRecorder,
  type EventDetails,
  type Recorder,
  type RecorderOptions,
} from './recorder.ts';
export { ensureStream, isStreamGone, type StreamName, type StreamSettings } from './streams.ts';
export {
  artifactFilter,
  artifactSubject,
  eventFilter,
  eventSubject,
  kindGroup,
  subjectToken,
  tokenText,
} from './subjects.ts';
export { openValues, type Values, type ValuesOptions } from './values.ts';
