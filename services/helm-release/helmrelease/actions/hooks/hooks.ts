// Running the hooks of an event (pkg/action/hooks.go): one after the other, each recorded in storage before it is created.
// What hooks print goes nowhere, whatever their `helm.sh/hook-output-log-policy` says: as in Flux.
import type { AppliedObject } from '@weir/apply';
import type { HelmHook, HelmHookEvent } from '@weir/render';
import { type ActionRun, inStep, mayGoOn, messageOf, type ReleaseRecord } from '../action-run.ts';
import { appliedAs } from '../objects/applied.ts';
import { placeObjects } from '../objects/place.ts';
import { applyServerSide, createObject } from '../objects/write.ts';
import type { WaitSettings } from '../settings.ts';
import { waitForHook } from '../wait/wait.ts';
import { deleteByPolicy } from './cleanup.ts';

export interface HookSettings {
  event: HelmHookEvent;
  serverSide: boolean;
  wait: WaitSettings;
  /** Which hooks of the event run; all of them when not given. */
  isSelected?(hook: HelmHook): boolean;
}

/** Runs the hooks of an event and deletes those whose policy says so. Rejects with the failure of the first that fails. */
export async function runHooks(run: ActionRun, record: ReleaseRecord, settings: HookSettings) {
  const { failure, finish } = await startHooks(run, record, settings);
  await finish();
  if (failure !== undefined) throw failure.error;
}

export interface StartedHooks {
  failure?: { error: unknown };
  /** Deletes hooks by their policies, now that they are done. Rejects with what couldn't be deleted. */
  finish(): Promise<void>;
}

/**
 * Runs the hooks of an event. Deleting them is left to `finish`, since the results of tests are stored before that. What
 * ends the run itself is thrown.
 */
export async function startHooks(
  run: ActionRun,
  record: ReleaseRecord,
  settings: HookSettings,
): Promise<StartedHooks> {
  const hooks = hooksOf(record, settings);
  const done: HelmHook[] = [];
  for (const from of hooks) {
    const hook = withDefaultPolicy(from);
    try {
      await runHook(run, record, hook, settings);
      done.push(hook);
    } catch (error) {
      if (!mayGoOn(run, error)) throw error;
      const isOver = error instanceof WaitFailed;
      const finish = isOver ? () => cleanUpFailed(run, hook, done, settings) : nothing;
      return { failure: { error: isOver ? error.cause : error }, finish };
    }
  }
  return { finish: () => cleanUpSucceeded(run, done, settings) };
}

/** A hook that was created and did not succeed. */
class WaitFailed extends Error {
  override readonly name = 'WaitFailed';
}

async function nothing(): Promise<void> {
  // A hook that could not be created leaves nothing to delete.
}

/** By weight, then name; the engine's order, which is by kind, decides the rest. */
function hooksOf(record: ReleaseRecord, { event, isSelected }: HookSettings): HelmHook[] {
  const { hooks } = record.revision().content;
  return hooks
    .filter((hook) => hook.events.includes(event) && (isSelected?.(hook) ?? true))
    .sort((a, b) => a.weight - b.weight || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function withDefaultPolicy(hook: HelmHook): HelmHook {
  if (hook.deletePolicies.length > 0) return hook;
  return { ...hook, deletePolicies: ['before-hook-creation'] };
}

async function runHook(
  run: ActionRun,
  record: ReleaseRecord,
  hook: HelmHook,
  settings: HookSettings,
): Promise<void> {
  const { event, wait } = settings;
  record.note({ hooks: [hook] });
  await deleteByPolicy(run, hook, 'before-hook-creation', wait);
  const placed = await inStep(
    `unable to build kubernetes object for ${event} hook ${hook.path}`,
    placeObjects(run.ctx.cluster.client, hook.objects, run.ctx.release.namespace),
  );
  const startedAt = now();
  const ended = (phase: 'Failed' | 'Succeeded') =>
    record.note({ hooks: [{ ...hook, lastRun: { startedAt, completedAt: now(), phase } }] });
  await record.save({ hooks: [{ ...hook, lastRun: { startedAt, phase: 'Running' } }] });
  const applied: AppliedObject[] = [];
  for (const one of placed) {
    try {
      const { ctx, guard } = run;
      const writer = { client: ctx.cluster.client, guard, signal: ctx.signal };
      const object = settings.serverSide
        ? await applyServerSide(writer, one, { force: false })
        : await createObject(writer, one);
      applied.push(appliedAs('created', one, object));
    } catch (cause) {
      if (!mayGoOn(run, cause)) throw cause;
      ended('Failed');
      const what = `warning: Hook ${event} ${hook.path} failed`;
      throw new Error(`${what}: ${messageOf(cause)}`, { cause });
    }
  }
  try {
    for (const one of applied) await waitForHook(run, one, wait);
    ended('Succeeded');
  } catch (cause) {
    if (!mayGoOn(run, cause)) throw cause;
    ended('Failed');
    throw new WaitFailed(messageOf(cause), { cause });
  }
}

async function cleanUpSucceeded(
  run: ActionRun,
  done: readonly HelmHook[],
  { wait }: HookSettings,
): Promise<void> {
  for (const hook of done.toReversed()) {
    await deleteByPolicy(run, hook, 'hook-succeeded', wait);
  }
}

async function cleanUpFailed(
  run: ActionRun,
  failed: HelmHook,
  before: readonly HelmHook[],
  { wait }: HookSettings,
): Promise<void> {
  try {
    await deleteByPolicy(run, failed, 'hook-failed', wait);
  } catch (error) {
    // The failure of the hook is what the user has to know.
    if (!mayGoOn(run, error)) throw error;
    run.ctx.line(`error deleting the hook resource on hook failure: ${messageOf(error)}`);
  }
  for (const hook of before) await deleteByPolicy(run, hook, 'hook-succeeded', wait);
}

function now(): string {
  return new Date().toISOString();
}
