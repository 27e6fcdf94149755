// Shows people what an object would change if it ran now.
import type { KubeClient } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import type { Settings } from './settings.ts';

export interface DiffContext {
  client: KubeClient;
  settings: Settings;
  log: Logger;
  /** A folder for what is fetched; it is removed afterwards. */
  storageDir: string;
  signal: AbortSignal;
}

/** Describes the change of an object for a person to read. Changes nothing, anywhere. */
export type Diff = (
  ref: { namespace: string; name: string },
  context: DiffContext,
) => Promise<string>;

/** By the name of the kind, in lower case: `services/<name>/diffs.ts` exports them as `diffs`. */
export type Diffs = Readonly<Record<string, Diff>>;
