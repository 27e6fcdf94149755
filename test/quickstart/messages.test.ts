import assert from 'node:assert/strict';
import { it } from 'node:test';
import { printChatMessage, readChatMessage } from './messages.ts';

it('reads a Slack attachment', () => {
  const body = JSON.stringify({
    attachments: [{ author_name: 'kustomization/a.b', text: 'x\ny' }],
  });
  const message = readChatMessage('/services/T/B/x', body);
  assert.deepEqual(message, { chat: 'Slack', title: 'kustomization/a.b', text: 'x\ny' });
  assert.equal(message && printChatMessage(message), '[Slack] kustomization/a.b\n  │ x\n  │ y');
});

it('reads a Feishu card', () => {
  const card = { header: { title: { content: 't' } }, elements: [{ text: { content: 'c' } }] };
  const message = readChatMessage('/open-apis/bot/v2/hook/x', JSON.stringify({ card }));
  assert.deepEqual(message, { chat: 'Feishu', title: 't', text: 'c' });
});

it('ignores other requests', () => {
  assert.equal(readChatMessage('/other', '{}'), undefined);
  assert.equal(readChatMessage('/services/x', '{}'), undefined);
});
