// The chart's folder `crds`, which Flux applies before the release, and which no uninstall removes (helm-controller,
// internal/action/crds.go).
import {
  type AppliedObject,
  type PlacedObject,
  type ServedKind,
  servedKinds,
  untilServed,
} from '@weir/apply';
import { isAlreadyExists, type KubeObject } from '@weir/kube';
import { type ActionRun, inStep, messageOf } from './action-run.ts';
import { requireCompatibleCrds } from './crd-comparison.ts';
import { appliedAs } from './objects/applied.ts';
import { readObject } from './objects/existing.ts';
import { placeObjects } from './objects/place.ts';
import { applyServerSide, createObject, replaceObject } from './objects/write.ts';
import type { RenderRun } from './render.ts';
import type { CrdPolicy, WaitSettings } from './settings.ts';
import type { ReleaseContext } from './types.ts';
import { waitForDefinitions } from './wait/wait.ts';

/** How long the API server may take to serve a new kind, in ms. */
const SERVED_MS = 60_000;

/** Everything in the chart's `crds/`. Most charts have none, and cost no question. */
export async function chartCrds({ ctx, engine }: RenderRun): Promise<KubeObject[]> {
  const { chart, values } = ctx;
  if (!chart.metadata.hasCrds) return [];
  const files = await ctx.pool.helmCrds({ chart: chart.file, values: values.text }, engine);
  return files.flatMap(({ objects }) => objects);
}

export interface CrdSettings {
  policy: CrdPolicy;
  serverSide: boolean;
  wait: WaitSettings;
}

/** Applies the CRDs and waits until they are served. Returns the kinds that they serve. */
export async function applyCrds(
  run: ActionRun<ReleaseContext>,
  crds: readonly KubeObject[],
  settings: CrdSettings,
): Promise<ServedKind[]> {
  const { policy } = settings;
  const definitions = crds.filter(isDefinition);
  for (const { kind, metadata } of crds.filter((object) => !isDefinition(object))) {
    run.ctx.log.warn(
      { kind, name: metadata.name },
      'ignored in the folder crds: it is for CRDs only',
    );
  }
  if (definitions.length === 0) return [];
  if (policy === 'Skip') {
    run.ctx.line('skipping CustomResourceDefinition apply: policy is set to Skip');
    return [];
  }
  run.ctx.line(`applying CustomResourceDefinition(s) with policy ${policy}`);
  return inStep('failed to apply CustomResourceDefinitions', applyAll(run, definitions, settings));
}

async function applyAll(
  run: ActionRun,
  definitions: readonly KubeObject[],
  { policy, serverSide, wait }: CrdSettings,
): Promise<ServedKind[]> {
  const { client } = run.ctx.cluster;
  const labelled = definitions.map((object) => withLabels(object, run.owner.labels));
  const placed = await placeObjects(client, labelled, '');
  // A server-side apply overwrites what is there, also for the policy `Create`.
  if (serverSide || policy === 'CreateReplace') await requireCompatibleCrds(run, placed);
  const applied: AppliedObject[] = [];
  for (const one of placed) {
    const found = await applyOne(run, one, { policy, serverSide });
    if (found !== undefined) applied.push(found);
  }
  if (applied.length === 0) return [];
  await inStep(
    'failed to wait for CustomResourceDefinition(s)',
    waitForDefinitions(run, applied, wait),
  );
  const objects = applied.flatMap(({ object }) => object ?? []);
  const kinds = objects.flatMap(servedKinds);
  if (!(await areListed(run, kinds))) {
    await untilServed(client, objects, { timeoutMs: SERVED_MS, signal: run.ctx.signal });
  }
  run.ctx.line(`successfully applied ${applied.length} CustomResourceDefinition(s)`);
  return kinds;
}

async function applyOne(
  run: ActionRun,
  placed: PlacedObject,
  { policy, serverSide }: Omit<CrdSettings, 'wait'>,
): Promise<AppliedObject | undefined> {
  const { ctx, guard } = run;
  const writer = { client: ctx.cluster.client, guard, signal: ctx.signal };
  const { name } = placed.object.metadata;
  try {
    if (serverSide) {
      return appliedAs(
        'configured',
        placed,
        await applyServerSide(writer, placed, { force: true }),
      );
    }
    if (policy === 'CreateReplace') {
      const live = await readObject(writer.client, placed, { ...ctx, metadataOnly: true });
      if (live !== undefined) {
        return appliedAs('configured', placed, await replaceObject(writer, placed, live));
      }
    }
    return appliedAs('created', placed, await createObject(writer, placed));
  } catch (cause) {
    if (policy === 'Create' && isAlreadyThere(cause)) {
      ctx.line(`CustomResourceDefinition ${name} is already present. Skipping.`);
      return undefined;
    }
    const what =
      policy === 'Create'
        ? `failed to create CustomResourceDefinition ${name}`
        : 'failed to update CustomResourceDefinition(s)';
    throw new Error(`${what}: ${messageOf(cause)}`, { cause });
  }
}

function isAlreadyThere(error: unknown): boolean {
  return isAlreadyExists(error) || (error instanceof Error && isAlreadyExists(error.cause));
}

/** Whether discovery knows the kinds already. */
async function areListed({ ctx }: ActionRun, kinds: readonly ServedKind[]): Promise<boolean> {
  const known = await ctx.cluster.client.discovery.resources();
  const served = new Set(known.map(({ group, version, kind }) => `${group}/${version}/${kind}`));
  return kinds.every(({ group, version, kind }) => served.has(`${group}/${version}/${kind}`));
}

export function isDefinition({ apiVersion, kind }: KubeObject): boolean {
  return kind === 'CustomResourceDefinition' && apiVersion.startsWith('apiextensions.k8s.io/');
}

function withLabels(object: KubeObject, labels: Record<string, string>): KubeObject {
  const { metadata } = object;
  return { ...object, metadata: { ...metadata, labels: { ...metadata.labels, ...labels } } };
}
