import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeliveryError } from '../delivery/errors.ts';
import { eventOf } from '../testing/fixtures.ts';
import { generic } from './generic.ts';
import { lark } from './lark.ts';
import { slack } from './slack.ts';
import type { Target } from './target.ts';

const target: Target = { namespace: 'a', address: 'http://127.0.0.1/hook', headers: {} };
const event = eventOf(
  {},
  { message: 'applied\nsecond line', metadata: { revision: 'r', env: 'prod' } },
);
const refusal = (permanent: boolean, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof DeliveryError);
  assert.match(error.message, message);
  assert.equal(error.permanent, permanent);
  return true;
};

describe('slack', () => {
  it('is one attachment with the metadata as fields', () => {
    const { body, headers } = slack.message(event, { ...target, channel: 'ops', token: 'xoxb' });
    assert.deepEqual(headers, { authorization: 'Bearer xoxb' });
    assert.deepEqual(JSON.parse(body), {
      channel: 'ops',
      username: 'kustomize-controller',
      attachments: [
        {
          fallback: 'kustomization/apps.flux-system: applied',
          color: 'good',
          author_name: 'kustomization/apps.flux-system',
          text: 'applied\nsecond line',
          mrkdwn_in: ['text'],
          fields: [
            { title: 'env', value: 'prod', short: false },
            { title: 'revision', value: 'r', short: false },
          ],
        },
      ],
    });
  });

  it('is red for a failure and has no channel or token that nobody set', () => {
    const failed = eventOf({}, { severity: 'error' });
    const { body, headers } = slack.message(failed, { ...target, username: 'weir' });
    const payload = JSON.parse(body);
    assert.equal(payload.attachments[0].color, 'danger');
    assert.equal(payload.username, 'weir');
    assert.ok(!('channel' in payload));
    assert.deepEqual(headers, {});
  });

  it('takes the answers of webhooks and of the Web API', () => {
    slack.check?.('ok');
    slack.check?.('');
    slack.check?.('{"ok": true}');
    const wrong = () => slack.check?.('{"ok": false, "error": "channel_not_found"}');
    assert.throws(wrong, refusal(true, /Slack responded with error: channel_not_found/));
    const busy = () => slack.check?.('{"ok": false, "error": "ratelimited"}');
    assert.throws(busy, refusal(false, /ratelimited/));
  });

  it('reads out no word of an answer that is not one of its own', () => {
    for (const error of ['admin:hunter2', 'key=abc', 'a'.repeat(500) + 1, { password: 'x' }, 7]) {
      const answer = JSON.stringify({ ok: false, error });
      assert.throws(() => slack.check?.(answer), refusal(true, /error: unknown error$/));
    }
  });
});

describe('lark', () => {
  it('is a card with the object as its title', () => {
    assert.deepEqual(JSON.parse(lark.message(event, target).body), {
      msg_type: 'interactive',
      card: {
        config: { wide_screen_mode: true },
        header: {
          title: { tag: 'plain_text', content: '💫 kustomization/apps.flux-system' },
          template: 'turquoise',
        },
        elements: [
          {
            tag: 'div',
            text: {
              tag: 'lark_md',
              content: '**applied\nsecond line**\n\nenv: prod\nrevision: r\n',
            },
          },
        ],
      },
    });
    const failed = JSON.parse(lark.message(eventOf({}, { severity: 'error' }), target).body);
    assert.equal(failed.card.header.template, 'red');
  });

  it('finds a refusal behind status 200', () => {
    lark.check?.('{"code":0,"msg":"success","data":{}}');
    lark.check?.('{"StatusCode":0,"StatusMessage":"success"}');
    const wrong = () =>
      lark.check?.('{"code":19001,"msg":"param invalid: incoming webhook access token invalid"}');
    assert.throws(wrong, refusal(true, /code 19001$/));
    const busy = () => lark.check?.('{"code":11232,"msg":"frequency limited"}');
    assert.throws(busy, refusal(false, /11232/));
    assert.throws(() => lark.check?.('<html>'), refusal(false, /not JSON/));
    const foreign = () => lark.check?.('{"code":"secret of another service","msg":"more of it"}');
    assert.throws(foreign, refusal(true, /code unknown$/));
  });
});

describe('generic', () => {
  it('sends the event as it is, with the headers of the secret', () => {
    const headers = { 'x-team': 'a', 'gotk-component': 'mine' };
    const post = generic.message(event, { ...target, headers });
    assert.deepEqual(JSON.parse(post.body), event);
    assert.deepEqual(post.headers, headers);
    assert.deepEqual(generic.message(event, target).headers, {
      'gotk-component': 'kustomize-controller',
    });
  });
});
