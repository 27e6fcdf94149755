// A HelmRepository of the type `oci` only names a registry, which HelmCharts read: there is nothing to fetch. If it had
// another type before, what was made then is removed.
import { FINALIZER, HelmRepository } from '@weir/api';
import {
  type Informer,
  type Outcome,
  type ReconcileContext,
  removeFinalizer,
} from '@weir/controller';
import { newestOf } from '@weir/reconcile';
import type { SourceEnvironment } from '../shared/kind.ts';

const WRITER = { fieldManager: 'source-controller' };

export async function makeStatic(
  found: HelmRepository,
  context: ReconcileContext,
  informer: Informer<HelmRepository>,
  { client, publisher }: SourceEnvironment,
): Promise<Outcome> {
  const object = await newestOf(found, context, { client, kind: HelmRepository, informer });
  if (object === undefined) return {};
  const { namespace = '', name, deletionTimestamp } = object.metadata;
  if (object.spec.suspend && deletionTimestamp === undefined) return {};
  if (Object.keys(object.status ?? {}).length > 0) {
    publisher.withdraw(object);
    context.guard();
    const gone = Object.fromEntries(Object.keys(object.status ?? {}).map((key) => [key, null]));
    informer.observe(
      await client.patch<HelmRepository>(
        HelmRepository,
        { namespace, name },
        { metadata: { uid: object.metadata.uid }, status: gone },
        { kind: 'merge', subresource: 'status', ...WRITER },
      ),
    );
  }
  const writing = { ...WRITER, informer, guard: context.guard };
  await removeFinalizer(client, HelmRepository, object, FINALIZER, writing);
  return {};
}
