// Runs objects that are made from artifacts of other sources when one of these artifacts changes.
import type { Controller, Informer } from '@weir/controller';
import { objectKey } from '@weir/kube';
import type { SourceKind } from './kind.ts';
import type { SourceObject } from './source.ts';

interface ObjectsOfKind {
  source: Pick<SourceKind<SourceObject>, 'kind' | 'sourcesOf' | 'lacks'>;
  informer: Pick<Informer<SourceObject>, 'list' | 'onChange'>;
}

/** Enqueues the objects of a kind that are made from a source, for each change of that source's artifact. */
export function runForSources(
  { source: { sourcesOf, lacks }, informer }: ObjectsOfKind,
  other: ObjectsOfKind,
  controller: Pick<Controller, 'enqueue'>,
): void {
  if (sourcesOf === undefined) return;
  const { kind } = other.source.kind;
  other.informer.onChange(({ object, previous }) => {
    const artifact = object.status?.artifact;
    const before = previous?.status?.artifact;
    const isSame = before?.digest === artifact?.digest && before?.revision === artifact?.revision;
    if (isSame) return;
    const key = `${kind}/${objectKey(object)}`;
    for (const dependent of informer.list()) {
      const isWanted = lacks?.(dependent, artifact) ?? true;
      if (!isWanted || !sourcesOf(dependent).includes(key)) continue;
      controller.enqueue(objectKey(dependent), { cause: 'source' });
    }
  });
}
