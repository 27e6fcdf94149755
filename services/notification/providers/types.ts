import type { Provider } from '@weir/api';
import { unsupportedFields } from '@weir/api';
import { generic } from './generic.ts';
import { lark } from './lark.ts';
import type { Sender } from './sender.ts';
import { slack } from './slack.ts';

const SENDERS: ReadonlyMap<string, Sender> = new Map([
  ['generic', generic],
  ['lark', lark],
  ['slack', slack],
]);

/** The sender of a provider's type; undefined for a type that Weir doesn't speak yet. */
export function senderFor(type: string): Sender | undefined {
  return SENDERS.get(type);
}

/**
 * What keeps a Provider from working: fields that it sets and whose behaviour isn't there, as
 * `spec.type (discord)`. Empty for one that works.
 */
export function unsupportedProvider(provider: Provider): string[] {
  const type = senderFor(provider.spec.type) ? [] : [`spec.type (${provider.spec.type})`];
  return [
    ...type,
    ...unsupportedFields(provider, ['spec.commitStatusExpr', 'spec.serviceAccountName']),
  ];
}
