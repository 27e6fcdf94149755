// Artifacts that the store lost are made again when somebody asks for one: they are derived data.
import type { Informer } from '@weir/controller';
import type { SourceKind } from './kind.ts';
import type { SourceObject } from './source.ts';

/** A kind with its objects. */
export interface RestorableKind {
  source: Pick<SourceKind<SourceObject>, 'restore'>;
  informer: Pick<Informer<SourceObject>, 'list'>;
}

/** Makes the artifact at a path of the artifact server again; nothing happens where no object names that path. */
export async function restoreArtifact(
  path: string,
  kinds: readonly RestorableKind[],
): Promise<void> {
  for (const { source, informer } of kinds) {
    const object = informer.list().find(({ status }) => status?.artifact?.path === path);
    if (object) return source.restore(object);
  }
}
