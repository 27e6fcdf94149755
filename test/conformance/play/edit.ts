// Steps that stand for people and other controllers: they make, change, delete and look at any object.
import { GitRepository } from '@weir/api';
import { until } from '@weir/cluster';
import { isForbidden, isInvalid, isNoMatch } from '@weir/kube';
import { contains } from './contains.ts';
import { find, type Parsed, parseObjects, resolve } from './objects.ts';
import { DEFAULT_NAME, MANAGER, PATIENCE, type Scene, type StepOf } from './scene.ts';

export async function applyYaml(scene: Scene, step: StepOf<'apply'>): Promise<void> {
  for (const { type, object } of await served(scene, step.apply)) {
    await scene.client.apply(type, object, { fieldManager: step.as ?? MANAGER, force: true });
  }
}

export async function createYaml(scene: Scene, step: StepOf<'create'>): Promise<void> {
  for (const { type, object } of await served(scene, step.create)) {
    await scene.client.create(type, object, { fieldManager: step.as ?? MANAGER });
  }
}

/** Waits for kinds that were just defined. */
function served({ client, fixture }: Scene, yaml: string): Promise<Parsed[]> {
  return until(
    async () => {
      try {
        return await parseObjects(client, yaml, fixture.namespace);
      } catch (error) {
        if (isNoMatch(error)) client.discovery.invalidate();
        throw error;
      }
    },
    { ...PATIENCE, message: 'the kinds to be served' },
  );
}

export async function patch({ client, fixture }: Scene, step: StepOf<'patch'>): Promise<void> {
  const { type, ref } = await resolve(client, step.patch, fixture.namespace);
  await client.patch(type, ref, step.with, {
    kind: 'merge',
    fieldManager: step.as ?? MANAGER,
    ...(step.status ? { subresource: 'status' } : {}),
  });
}

/** Gives an object of another kind of source the artifact of a GitRepository. */
export async function lend({ client, fixture }: Scene, step: StepOf<'lend'>): Promise<void> {
  const { type, ref } = await resolve(client, step.lend, fixture.namespace);
  const owner = { namespace: fixture.namespace, name: step.source ?? DEFAULT_NAME };
  const { status } = await client.get<GitRepository>(GitRepository, owner);
  const artifact = { ...status?.artifact, metadata: step.metadata ?? {} };
  const how = { kind: 'merge', subresource: 'status', fieldManager: MANAGER } as const;
  await client.patch(type, ref, { status: { artifact } }, how);
}

export async function remove({ client, fixture }: Scene, name: string): Promise<void> {
  const { type, ref } = await resolve(client, name, fixture.namespace);
  await client.delete(type, ref, { propagationPolicy: 'Background' });
}

/** A dry-run is enough to ask. */
export async function untilRefused(scene: Scene, yaml: string): Promise<void> {
  const [parsed] = await served(scene, yaml);
  if (parsed === undefined) throw new Error('nothing to be refused');
  const { type, object } = parsed;
  const create = async () => {
    try {
      await scene.client.create(type, object, { fieldManager: MANAGER, dryRun: true });
      return false;
    } catch (error) {
      if (isForbidden(error) || isInvalid(error)) return true;
      throw error;
    }
  };
  await until(create, { ...PATIENCE, message: 'the API server to refuse' });
}

export async function untilGone({ client, fixture }: Scene, name: string): Promise<void> {
  await until(async () => (await find(client, name, fixture.namespace)) === undefined, {
    ...PATIENCE,
    message: `${name} to be gone`,
  });
}

export async function untilThere(scene: Scene, step: StepOf<'there'>): Promise<void> {
  const { client, fixture } = scene;
  await until(
    async () => {
      const object = await find(client, step.there, fixture.namespace);
      if (!contains(object ?? null, step.with ?? {})) throw new Error(JSON.stringify(object));
      return true;
    },
    { ...PATIENCE, message: step.there },
  );
}
