// The finalizer of Providers. Flux puts it on each of them: unless somebody removes it, a Provider from before Weir
// could never be deleted.
import { FINALIZER, type Provider, Provider as ProviderKind } from '@weir/api';
import { addFinalizer, type Informer, removeFinalizer, runController } from '@weir/controller';
import type { ServiceParts } from '@weir/service';

const FIELD_MANAGER = 'notification-controller';
const RETRY = { minMs: 750, maxMs: 5 * 60_000 };
const CONCURRENCY = 8;

/** Keeps the finalizer on Providers, and removes it from those that are deleted. */
export function keepFinalizers(
  { client, membership, log, metrics, tracing }: ServiceParts,
  informer: Informer<Provider>,
) {
  return runController<Provider>({
    name: 'provider',
    kind: ProviderKind,
    informer,
    membership,
    concurrency: CONCURRENCY,
    retry: RETRY,
    async reconcile(object, { guard }) {
      const writing = { fieldManager: FIELD_MANAGER, informer, guard };
      const change =
        object.metadata.deletionTimestamp === undefined ? addFinalizer : removeFinalizer;
      await change(client, ProviderKind, object, FINALIZER, writing);
      return {};
    },
    ...{ log, metrics, tracing },
  });
}
