// The actions of Helm, and what they share: what is known of storage, and what the API server can do.
import { hash } from 'node:crypto';
import type { KubeClient } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import { correctDrift } from '../drift/correct.ts';
import { detectDrift } from '../drift/detect.ts';
import { createKnownStorage } from '../release/known-storage.ts';
import { openStorage } from '../release/storage.ts';
import { type RunEnvironment, runAction } from './action-run.ts';
import { createCapabilities } from './capabilities.ts';
import { install } from './install.ts';
import { rollback } from './rollback.ts';
import { runTests } from './test.ts';
import type { ActionContext, Actions, UninstallResult } from './types.ts';
import { uninstall } from './uninstall.ts';
import { unlock } from './unlock.ts';
import { upgrade } from './upgrade.ts';

/** `client` is the service's own: it watches Helm's storage everywhere. Nothing of an action is done with it. */
export function createActions(options: { client: KubeClient; log: Logger }): Actions {
  const known = createKnownStorage(options);
  const capabilities = createCapabilities(options.client);
  const environment = ({ storage }: ActionContext): RunEnvironment => ({ storage, digest });

  return {
    openStorage: (storage) => openStorage(known, storage),
    install: (ctx) => runAction(ctx, environment(ctx), (run) => install(run, capabilities)),
    upgrade: (ctx) => runAction(ctx, environment(ctx), (run) => upgrade(run, capabilities)),
    rollback: (ctx, toVersion) =>
      runAction(ctx, environment(ctx), (run) => rollback(run, toVersion)),
    async uninstall(ctx) {
      let absent: UninstallResult['absent'];
      const result = await runAction(ctx, environment(ctx), async (run) => {
        absent = await uninstall(run);
      });
      return { ...result, ...(absent === undefined ? {} : { absent }) };
    },
    test: (ctx) => runAction(ctx, environment(ctx), runTests),
    unlock: (ctx, { version }) => runAction(ctx, environment(ctx), (run) => unlock(run, version)),
    detectDrift: (ctx, release) => detectDrift(ctx, environment(ctx), release),
    correctDrift,
    close: known.close,
  };
}

/** Stands for a manifest in the drift watch. It stays in this process, so that nobody learns the digest of a Secret. */
function digest(manifest: object): string {
  return hash('sha256', JSON.stringify(manifest), 'base64');
}
