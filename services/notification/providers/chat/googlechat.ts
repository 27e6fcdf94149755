import type { FluxEvent } from '@weir/events';
import { isError, metadataEntries, objectTitle } from '../message.ts';
import { type ProviderType, postJson } from '../provider.ts';

/** Google Chat, by the webhook of a space: one card. Format: "Cards v1" of Google Chat's REST reference. */
export const googlechat: ProviderType = {
  // A message has 32,000 bytes, its card included.
  textLimit: { bytes: 20_000 },
  certificates: 'none',
  async send(event, target, io) {
    await postJson(io, target.address, { cards: [card(event)] });
  },
};

function card(event: FluxEvent) {
  const text = escapeHtml(event.message);
  const shown = isError(event) ? `<font color="#ff0000">${text}</font>` : text;
  const message = { textParagraph: { text: shown }, keyValue: null };
  const facts = metadataEntries(event).map(([topLabel, content]) => ({
    textParagraph: null,
    keyValue: {
      topLabel,
      content: escapeHtml(content),
      contentMultiline: false,
      bottomLabel: null,
      icon: null,
    },
  }));
  return {
    header: {
      title: objectTitle(event),
      subtitle: event.reportingController,
      imageUrl: null,
      imageStyle: null,
    },
    sections: [
      { header: '', widgets: [message] },
      ...(facts.length > 0 ? [{ header: '', widgets: facts }] : []),
    ],
  };
}

/** The texts of a card are HTML: without this, part of a message would vanish, or end the red of a failure. */
function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
