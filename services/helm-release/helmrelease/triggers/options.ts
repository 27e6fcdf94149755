import type { Controller } from '@weir/controller';
import type { Logger } from '@weir/telemetry';
import type { Environment } from '../environment.ts';

/** The inputs of every trigger: what it subscribes to, and the queue that it adds to. */
export interface TriggerOptions {
  env: Environment;
  controller: Controller;
  log: Logger;
}
