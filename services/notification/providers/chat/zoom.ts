import { metadataEntries, objectTitle, requiredToken } from '../message.ts';
import { type ProviderType, postJson } from '../provider.ts';

/** Zoom Team Chat, by the "Incoming Webhook" app. The token is sent as it is; the format is `full` unless the address says. */
export const zoom: ProviderType = {
  async send(event, target, io) {
    const url = new URL(target.address);
    if (!url.searchParams.has('format')) url.searchParams.set('format', 'full');
    const items = metadataEntries(event).map(([key, value]) => ({ key, value }));
    const content = {
      head: { text: objectTitle(event), sub_head: { text: event.severity } },
      body: [
        { type: 'message', text: event.message },
        ...(items.length > 0 ? [{ type: 'fields', items }] : []),
      ],
    };
    await postJson(io, url.href, { content }, { authorization: requiredToken(target) });
  },
};
