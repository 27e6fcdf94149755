import { createHash } from 'node:crypto';
import { invalidProvider, isError, metadataEntries, objectTitle } from '../message.ts';
import { bearer, type ProviderType } from '../provider.ts';

/**
 * Matrix: a text in a room, whose id is the channel. The transaction id is that of the event and alert, so that a
 * repeated attempt makes no second message. `m.mentions` says that the text notifies nobody, whatever is in it.
 * Format: Matrix' client-server API, "PUT /rooms/{roomId}/send".
 */
export const matrix: ProviderType = {
  // An event has 65,536 bytes, the marks of the server included.
  textLimit: { bytes: 40_000 },
  async send(event, target, io) {
    if (!target.channel) throw invalidProvider('spec.channel is missing: the id of the room');
    const transaction = createHash('sha256').update(io.id).digest('hex');
    const url = new URL(target.address);
    // The room's id is a part of the path as it is, which is how other clients send `!` and `:` too.
    const room = encodeURIComponent(target.channel).replaceAll('%3A', ':');
    url.pathname = `${url.pathname.replace(/\/$/, '')}/_matrix/client/r0/rooms/${room}/send/m.room.message/${transaction}`;
    const sign = isError(event) ? '🚨' : '💫';
    const facts = metadataEntries(event).map(([key, value]) => `- ${key}: ${value}\n`);
    const body = `${sign} ${objectTitle(event)}\n${event.message}\n${facts.join('')}`;
    await io.request({
      method: 'PUT',
      url: url.href,
      headers: { 'content-type': 'application/json', ...bearer(target.token) },
      body: JSON.stringify({ body, msgtype: 'm.text', 'm.mentions': {} }),
    });
  },
};
