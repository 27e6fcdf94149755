// Steps in the role of people and of other controllers: they create, change, delete and check any object.
import { GitRepository } from '@weir/api';
import { until } from '@weir/cluster';
import { isForbidden, isInvalid, isNoMatch } from '@weir/kube';
import { withClusters } from './clusters.ts';
import { contains } from './contains.ts';
import { DEFAULT_NAME, type FixtureRun, MANAGER, type StepOf, WAIT } from './fixture-run.ts';
import { find, type Parsed, parseObjects, resolve } from './objects.ts';

export async function applyYaml(run: FixtureRun, step: StepOf<'apply'>): Promise<void> {
  for (const { type, object } of await served(run, withClusters(run, step.apply))) {
    await run.client.apply(type, object, { fieldManager: step.as ?? MANAGER, force: true });
  }
}

export async function createYaml(run: FixtureRun, step: StepOf<'create'>): Promise<void> {
  for (const { type, object } of await served(run, step.create)) {
    await run.client.create(type, object, { fieldManager: step.as ?? MANAGER });
  }
}

/** Parses YAML documents, and waits until the API server serves their kinds, which may just have been defined. */
function served({ client, fixture }: FixtureRun, yaml: string): Promise<Parsed[]> {
  return until(
    async () => {
      try {
        return await parseObjects(client, yaml, fixture.namespace);
      } catch (error) {
        if (isNoMatch(error)) client.discovery.invalidate();
        throw error;
      }
    },
    { ...WAIT, message: 'the kinds to be served' },
  );
}

export async function patch({ client, fixture }: FixtureRun, step: StepOf<'patch'>): Promise<void> {
  const { type, ref } = await resolve(client, step.patch, fixture.namespace);
  await client.patch(type, ref, step.with, {
    kind: 'merge',
    fieldManager: step.as ?? MANAGER,
    ...(step.status ? { subresource: 'status' } : {}),
  });
}

/** Writes the artifact of a GitRepository into the status of an object of another source kind. */
export async function lend({ client, fixture }: FixtureRun, step: StepOf<'lend'>): Promise<void> {
  const { type, ref } = await resolve(client, step.lend, fixture.namespace);
  const owner = { namespace: fixture.namespace, name: step.source ?? DEFAULT_NAME };
  const { status } = await client.get<GitRepository>(GitRepository, owner);
  const artifact = { ...status?.artifact, metadata: step.metadata ?? {} };
  const how = { kind: 'merge', subresource: 'status', fieldManager: MANAGER } as const;
  await client.patch(type, ref, { status: { artifact } }, how);
}

export async function remove({ client, fixture }: FixtureRun, name: string): Promise<void> {
  const { type, ref } = await resolve(client, name, fixture.namespace);
  await client.delete(type, ref, { propagationPolicy: 'Background' });
}

/** Waits until creating the object is refused. It is tried as a dry run, so that nothing is created before that. */
export async function untilRefused(run: FixtureRun, yaml: string): Promise<void> {
  const [parsed] = await served(run, yaml);
  if (parsed === undefined) throw new Error('nothing to be refused');
  const { type, object } = parsed;
  const create = async () => {
    try {
      await run.client.create(type, object, { fieldManager: MANAGER, dryRun: true });
      return false;
    } catch (error) {
      if (isForbidden(error) || isInvalid(error)) return true;
      throw error;
    }
  };
  await until(create, { ...WAIT, message: 'the API server to refuse' });
}

export async function untilGone({ client, fixture }: FixtureRun, name: string): Promise<void> {
  await until(async () => (await find(client, name, fixture.namespace)) === undefined, {
    ...WAIT,
    message: `${name} to be gone`,
  });
}

export async function untilThere(run: FixtureRun, step: StepOf<'there'>): Promise<void> {
  const { client, fixture } = run;
  await until(
    async () => {
      const object = await find(client, step.there, fixture.namespace);
      if (!contains(object ?? null, step.with ?? {})) throw new Error(JSON.stringify(object));
      return true;
    },
    { ...WAIT, message: step.there },
  );
}
