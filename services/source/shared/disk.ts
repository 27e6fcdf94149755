import { storageError } from '@weir/artifact';

/**
 * Does something with files of this machine.
 * @throws ArtifactError StorageFull, StorageOperationFailed, in words that say what to do
 */
export async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError('cannot store what is fetched', error);
  }
}
