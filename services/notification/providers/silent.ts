import type { Alert, Provider } from '@weir/api';
import type { Informer } from '@weir/controller';
import type { FluxEvent } from '@weir/events';
import { isCommitStatusUpdate } from './message.ts';
import { typeOf } from './types.ts';

/** The provider that an alert names, in its own namespace. */
export function providerOf(
  providers: Pick<Informer<Provider>, 'get'>,
  { metadata, spec }: Alert,
): Provider | undefined {
  return providers.get(`${metadata.namespace}/${spec.providerRef.name}`);
}

/** Events for which nothing is sent: the provider is suspended, or its type doesn't use this event. */
export function isSilent(provider: Provider | undefined, event: FluxEvent): boolean {
  if (provider === undefined) return false;
  if (provider.spec.suspend) return true;
  if (!isCommitStatusUpdate(event)) return false;
  const takes = typeOf(provider)?.takesCommitStatus ?? false;
  return typeof takes === 'function' ? !takes(provider.spec) : !takes;
}
