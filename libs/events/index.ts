export { type ConsumeEventsOptions, consumeEvents } from './consume.ts';
export type { FluxEvent, InvolvedObject } from './fluxevent.ts';
export {
  createRecorder,
  type EventDetails,
  type Recorder,
  type RecorderOptions,
} from './recorder.ts';
export { storedEvent } from './stored.ts';
export { eventFilter, eventSubject } from './subjects.ts';
