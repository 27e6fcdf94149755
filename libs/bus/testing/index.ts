export { testBus } from './bus.ts';
export { type NatsOptions, startNats, type TestNats } from './nats.ts';
export { makeStreams } from './streams.ts';
export { type Subscription, subscribeTo } from './subscribe.ts';
