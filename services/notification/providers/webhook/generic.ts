import type { Sender } from './sender.ts';

/** Names the sending controller, so that one webhook can tell its callers apart. */
const COMPONENT_HEADER = 'gotk-component';

/**
 * The event itself as JSON, for a webhook of one's own; headers from the provider's Secret win.
 * Format: Flux's "Generic webhook" provider.
 */
export const generic: Sender = {
  takesCommitStatus: true,
  message: (event, target) => ({
    body: JSON.stringify(event),
    headers: { [COMPONENT_HEADER]: event.reportingController, ...target.headers },
  }),
};
