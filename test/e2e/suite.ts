import { after } from 'node:test';

/**
 * Returns a stack that is disposed of after the tests of a suite, in reverse order. It has to be called in the suite
 * itself, because an `after` inside of its `before` would run as soon as that hook ends.
 */
export function stoppedAfter(): AsyncDisposableStack {
  const started = new AsyncDisposableStack();
  after(() => started.disposeAsync());
  return started;
}
