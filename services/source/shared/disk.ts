import { storageError } from '@weir/artifact';

/**
 * Runs work on local files.
 * @throws ArtifactError StorageFull, StorageOperationFailed, with messages that say what to do
 */
export async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError('cannot store what is fetched', error);
  }
}
