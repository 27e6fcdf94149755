import { createHash } from 'node:crypto';
import type { Receiver } from '@weir/api';

export const HOOK_PREFIX = '/hook/';

/** The path of a Receiver's webhook, as Flux computes it: it can't be guessed without the token. */
export function webhookPath({ metadata }: Pick<Receiver, 'metadata'>, token: string): string {
  const { name, namespace = '' } = metadata;
  return `${HOOK_PREFIX}${createHash('sha256').update(`${token}${name}${namespace}`).digest('hex')}`;
}
