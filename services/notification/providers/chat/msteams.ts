import type { FluxEvent } from '@weir/events';
import { isError, metadataEntries, objectTitle } from '../message.ts';
import { type ProviderType, postJson } from '../provider.ts';

/** Hosts of the connectors that Microsoft retires, which take no adaptive cards. */
const CONNECTOR = '.webhook.office.com';

/** Microsoft Teams: an adaptive card for a workflow, or the older message card for a connector. */
export const msteams: ProviderType = {
  // A message has 28 KB.
  textLimit: { bytes: 20_000 },
  async send(event, target, io) {
    const { hostname } = new URL(target.address);
    const message = hostname.endsWith(CONNECTOR) ? messageCard(event) : adaptiveMessage(event);
    await postJson(io, target.address, message);
  },
};

/** Format: the schema of adaptive cards 1.4 (https://adaptivecards.io). It names nobody to notify (`msteams.entities`). */
function adaptiveMessage(event: FluxEvent) {
  const facts = metadataEntries(event).map(([title, value]) => ({ title, value }));
  const title = { type: 'TextBlock', text: objectTitle(event) };
  const text = { type: 'TextBlock', text: event.message };
  const items = [
    { ...title, size: 'large', weight: 'bolder', wrap: true },
    { ...text, ...(isError(event) ? { color: 'attention' } : {}), wrap: true },
    ...(facts.length > 0 ? [{ type: 'FactSet', facts }] : []),
  ];
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [{ type: 'Container', items }],
    msteams: { width: 'Full' },
  };
  const contentType = 'application/vnd.microsoft.card.adaptive';
  return { type: 'message', attachments: [{ contentType, content }] };
}

/** Format: Microsoft's "Legacy actionable message card reference". */
function messageCard(event: FluxEvent) {
  const title = objectTitle(event);
  return {
    '@type': 'MessageCard',
    '@context': 'http://schema.org/extensions',
    themeColor: isError(event) ? 'FF0000' : '0076D7',
    summary: title,
    sections: [
      {
        activityTitle: event.message,
        activitySubtitle: title,
        facts: metadataEntries(event).map(([name, value]) => ({ name, value })),
      },
    ],
  };
}
