export { type ConsumeEventsOptions, consumeEvents } from './consume.ts';
export { eventMessage, type FluxEvent, type InvolvedObject, kubeTime } from './fluxevent.ts';
export {
  createRecorder,
  type EventDetails,
  type Recorder,
  type RecorderOptions,
} from './recorder.ts';
export { storedEvent } from './stored.ts';
export { eventFilter, eventSubject } from './subjects.ts';
