// One run of an action: its inputs, what it has written to storage, and its result.
import type { InventoryEntry } from '@weir/api';
import { type Owner, ownerLabels } from '@weir/apply';
import { NotOwner } from '@weir/controller';
import { isUnavailable } from '@weir/kube';
import { CONTROLLER, GROUP } from '../names.ts';
import type { ReleaseInventory } from '../release/inventory.ts';
import { summaryOf } from '../release/revision.ts';
import type { Revision, RevisionChange, StoredRelease, VersionStorage } from '../release/types.ts';
import type { ActionContext, ActionFailure, ActionResult } from './types.ts';

/** What all runs share. */
export interface RunEnvironment {
  storage: VersionStorage;
  /** Stands for a manifest, in what the drift watch tracks. */
  digest(manifest: object): string;
}

export interface ActionRun<Context extends ActionContext = ActionContext> extends RunEnvironment {
  ctx: Context;
  owner: Owner & { labels: Record<string, string> };
  /** `<namespace>/<name>` of the HelmRelease: the name of its objects in the drift watch. */
  key: string;
  /** The tenant and signal of requests to the engine. */
  engine: { tenant: string; signal: AbortSignal };
  /** Creates a version in storage, and records it in the result. */
  create(revision: Revision): Promise<ReleaseRecord>;
  /** A version that exists in storage. */
  record(revision: Revision): ReleaseRecord;
  /**
   * Records a version in its stored state, where Helm would have written or deleted it: Flux sees each of these writes,
   * and says in its history that the action has touched the version.
   */
  observed(revision: Revision): void;
  /** Replaces the inventory of the result. */
  holds(inventory: ReleaseInventory): void;
  /** To be called before every write. */
  guard(): void;
}

/** A version in storage while an action works on it. */
export interface ReleaseRecord {
  revision(): Revision;
  /** Adds changes to the next `save`. */
  note(change: RevisionChange): void;
  /** Writes the version with all changes that were added. */
  save(change: RevisionChange): Promise<void>;
}

/** A wait that ended because its result isn't needed any more. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly reason = 'Interrupted';

  constructor() {
    super('the wait was ended because the spec or the chart has changed');
  }
}

/**
 * Runs an action. An error becomes the result's failure, unless the run itself has ended: the ownership was lost, the
 * process stops, or the API server could not be reached before anything was written.
 */
export async function runAction<Context extends ActionContext>(
  ctx: Context,
  environment: RunEnvironment,
  action: (run: ActionRun<Context>) => Promise<void>,
): Promise<ActionResult> {
  const outcome = newOutcome();
  const run = openRun(ctx, environment, outcome);
  try {
    await action(run);
    return resultOf(outcome);
  } catch (error) {
    if (!mayGoOn(run, error)) throw error;
    if (outcome.written.size === 0 && causesOf(error).some(isUnavailable)) throw error;
    return { ...resultOf(outcome), failure: failureOf(error) };
  } finally {
    ctx.cluster.drift.release(run.key);
  }
}

interface Outcome {
  /** The last state of each version. */
  written: Map<number, StoredRelease>;
  inventory?: InventoryEntry[];
  warnings: string[];
}

function newOutcome(): Outcome {
  return { written: new Map(), warnings: [] };
}

function resultOf({ written, ...rest }: Outcome): ActionResult {
  return { ...rest, releases: [...written.values()].sort((a, b) => b.version - a.version) };
}

/** A run for a step outside an action, or the run of an action. */
export function openRun<Context extends ActionContext>(
  ctx: Context,
  environment: RunEnvironment,
  outcome: Outcome = newOutcome(),
): ActionRun<Context> {
  const { storage } = environment;
  const { name, namespace = '' } = ctx.object.metadata;
  const owner = { group: GROUP, fieldManager: CONTROLLER, namespace, name };

  async function publish(revision: Revision): Promise<void> {
    const release = summaryOf(revision);
    outcome.written.set(release.version, release);
    await ctx.record(release);
  }
  function guard(): void {
    ctx.signal.throwIfAborted();
    ctx.guard();
  }
  function record(from: Revision): ReleaseRecord {
    let revision = from;
    let noted: RevisionChange = {};
    return {
      revision: () => revision,
      note(change) {
        noted = joined(noted, change);
      },
      async save(change) {
        guard();
        revision = await storage.update(revision, joined(noted, change));
        noted = {};
        await publish(revision);
      },
    };
  }

  return {
    ...environment,
    ctx,
    owner: { ...owner, labels: ownerLabels(owner) },
    key: `${namespace}/${name}`,
    engine: { tenant: namespace, signal: ctx.signal },
    guard,
    record,
    async create(revision) {
      guard();
      const created = await storage.create(revision);
      await publish(created);
      return record(created);
    },
    observed(revision) {
      const release = summaryOf(revision);
      const { written } = outcome;
      if (!written.has(release.version)) written.set(release.version, release);
    },
    holds({ entries, warnings }) {
      outcome.inventory = entries;
      outcome.warnings = warnings;
    },
  };
}

/** A failure as the reconciler gets it. */
export function failureOf(error: unknown): ActionFailure {
  const message = messageOf(error);
  const isInterrupted = causesOf(error).some((cause) => cause instanceof Interrupted);
  return { message, ...(isInterrupted ? { interrupted: true } : {}), cause: error };
}

export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim();
}

/** Whether an action may still write after this failure. If not, the run itself has ended. */
export function mayGoOn({ ctx }: Pick<ActionRun, 'ctx'>, error: unknown): boolean {
  return !ctx.signal.aborted && !causesOf(error).some((cause) => cause instanceof NotOwner);
}

/** Awaits a step, and adds a prefix to the message of its failure. */
export async function inStep<T>(words: string, step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (cause) {
    throw new Error(`${words}: ${messageOf(cause)}`, { cause });
  }
}

/** The failure, its cause, and so on. */
function causesOf(error: unknown): unknown[] {
  return error instanceof Error ? [error, ...causesOf(error.cause)] : [];
}

function joined(first: RevisionChange, second: RevisionChange): RevisionChange {
  return {
    ...first,
    ...second,
    info: { ...first.info, ...second.info },
    hooks: [...(first.hooks ?? []), ...(second.hooks ?? [])],
  };
}
