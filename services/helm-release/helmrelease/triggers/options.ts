import type { Controller } from '@weir/controller';
import type { Logger } from '@weir/telemetry';
import type { Environment } from '../environment.ts';

/** What every trigger is given: what it may subscribe to, and where it enqueues. */
export interface TriggerOptions {
  env: Environment;
  controller: Controller;
  log: Logger;
}
