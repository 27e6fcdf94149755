// What the artifact server asks of the kinds: which artifact an object has now, and one that the store lost made again, as
// artifacts are derived data.
import { latestPath } from '@weir/artifact';
import type { Informer } from '@weir/controller';
import type { SourceKind } from './kind.ts';
import type { SourceObject } from './source.ts';

/** A kind with its objects. */
export interface RestorableKind {
  source: Pick<SourceKind<SourceObject>, 'kind' | 'latestFile' | 'restore'>;
  informer: Pick<Informer<SourceObject>, 'get' | 'list'>;
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

/** The path of the artifact that an object has now, by its path for the newest one; undefined where there is none. */
export function latestArtifact(path: string, kinds: readonly RestorableKind[]): string | undefined {
  const [, namespace = '', name = ''] = path.split('/');
  const found = kinds.find(
    ({ source: { kind, latestFile } }) =>
      latestPath(kind.kind, namespace, name, latestFile) === path,
  );
  return found?.informer.get(`${namespace}/${name}`)?.status?.artifact?.path;
}
