import { createHmac } from 'node:crypto';
import type { FluxEvent } from '@weir/events';
import { eventJson, invalidProvider } from '../message.ts';
import type { Io, ProviderType } from '../provider.ts';
import type { Target } from '../target.ts';

/** Names the sending controller, so that one webhook can tell its callers apart. */
const COMPONENT_HEADER = 'gotk-component';
const SIGNATURE_HEADER = 'x-signature';

/**
 * The event itself as JSON, for a webhook of one's own; headers from the provider's Secret win.
 * Format: Flux's "Generic webhook" provider.
 */
export const generic: ProviderType = {
  takesCommitStatus: true,
  wholeUpTo: Number.POSITIVE_INFINITY,
  send: (event, target, io) => post(eventJson(event), event, target, io),
};

/** The same with an HMAC-SHA256 of the body's bytes by the Secret's token. Format: Flux's "Generic webhook with HMAC". */
export const genericHmac: ProviderType = {
  takesCommitStatus: true,
  wholeUpTo: Number.POSITIVE_INFINITY,
  async send(event, target, io) {
    // A key is bytes, and a line's end may be one of them.
    const key = target.secret?.get('token');
    if (key === undefined || key.length === 0) throw invalidProvider('HMAC key is empty');
    const body = eventJson(event);
    const signature = createHmac('sha256', key).update(body).digest('hex');
    await post(body, event, target, io, { [SIGNATURE_HEADER]: `sha256=${signature}` });
  },
};

async function post(
  body: string,
  event: FluxEvent,
  { address, headers }: Target,
  io: Io,
  own: Record<string, string> = {},
): Promise<void> {
  const json = { 'content-type': 'application/json' };
  const component = { [COMPONENT_HEADER]: event.reportingController };
  await io.request({ url: address, body, headers: { ...json, ...component, ...own, ...headers } });
}
