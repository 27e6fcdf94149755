import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeliveryError } from '../../delivery/errors.ts';
import { checkAnswer as checkLark } from './lark-codes.ts';
import { checkAnswer as checkSlack } from './slack-api.ts';

const refusal = (permanent: boolean, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof DeliveryError);
  assert.match(error.message, message);
  assert.equal(error.permanent, permanent);
  return true;
};

describe('an answer of Slack', () => {
  it('is that of a webhook or of the Web API', () => {
    checkSlack('ok');
    checkSlack('');
    checkSlack('{"ok": true}');
    const wrong = () => checkSlack('{"ok": false, "error": "channel_not_found"}');
    assert.throws(wrong, refusal(true, /Slack responded with error: channel_not_found/));
    const busy = () => checkSlack('{"ok": false, "error": "ratelimited"}');
    assert.throws(busy, refusal(false, /ratelimited/));
  });

  it('is not read out when it is not one of its own', () => {
    for (const error of ['admin:hunter2', 'key=abc', 'a'.repeat(500) + 1, { password: 'x' }, 7]) {
      const answer = JSON.stringify({ ok: false, error });
      assert.throws(() => checkSlack(answer), refusal(true, /error: unknown error$/));
    }
  });
});

describe('an answer of Lark', () => {
  it('may be a refusal behind status 200', () => {
    checkLark('{"code":0,"msg":"success","data":{}}');
    checkLark('{"StatusCode":0,"StatusMessage":"success"}');
    const wrong = () =>
      checkLark('{"code":19001,"msg":"param invalid: incoming webhook access token invalid"}');
    assert.throws(wrong, refusal(true, /code 19001$/));
    const busy = () => checkLark('{"code":11232,"msg":"frequency limited"}');
    assert.throws(busy, refusal(false, /11232/));
    assert.throws(() => checkLark('<html>'), refusal(false, /not JSON/));
    const foreign = () => checkLark('{"code":"secret of another service","msg":"more of it"}');
    assert.throws(foreign, refusal(true, /code unknown$/));
  });
});
