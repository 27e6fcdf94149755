// A clock that is wrong, here or there: requests are signed with the time that the object store has.
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { listen } from '@weir/cluster';
import { ObjectStoreError, openBucket } from '../index.ts';
import { errorAnswer, listPage } from '../testing/scripted.ts';

const HOUR_MS = 60 * 60_000;
/**
 * The difference that S3 accepts (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
 * RequestTimeTooSkewed).
 */
const MAX_SKEW_MS = 15 * 60_000;

/** `20260102T030405Z` in ms. */
function timeOf(text: string): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

/**
 * Lists a bucket of a store whose clock is ahead by `skewMs`, and reads its objects. The store shows its time only if
 * `date` is set.
 */
async function use(skewMs: number, hasDate: boolean) {
  const skews: number[] = [];
  const server = await listen((request, response) => {
    const now = Date.now() + skewMs;
    const skew = Math.abs(timeOf(`${request.headers['x-amz-date']}`) - now);
    skews.push(skew);
    response.sendDate = false;
    if (hasDate) response.setHeader('date', new Date(now).toUTCString());
    if (skew <= MAX_SKEW_MS) response.end(listPage([{ key: 'a' }]));
    else
      response
        .writeHead(403)
        .end(errorAnswer('RequestTimeTooSkewed', 'The difference is too large.'));
  });
  const bucket = openBucket({
    ...{ endpoint: `127.0.0.1:${server.port}`, bucket: 'bucket', region: 'us-east-1' },
    ...{ insecure: true, allowLocal: true },
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
  });
  const keys: string[] = [];
  let failure: unknown;
  try {
    for await (const page of bucket.list('', { signal: AbortSignal.timeout(20_000) })) {
      keys.push(...page.map(({ key }) => key));
    }
    for (const key of keys)
      (await bucket.read(key, { signal: AbortSignal.timeout(20_000) })).close();
  } catch (error) {
    failure = error;
  } finally {
    bucket.close();
    await server.close();
  }
  return { keys, skews, failure };
}

test('hours apart, the second request has the time of the object store', async () => {
  for (const skewMs of [3 * HOUR_MS, -3 * HOUR_MS]) {
    const { keys, skews, failure } = await use(skewMs, true);
    equal(failure, undefined);
    deepEqual(keys, ['a']);
    ok((skews[0] ?? 0) > MAX_SKEW_MS, skews.join());
    deepEqual(
      skews.slice(1).map((skew) => skew < 60_000),
      [true, true],
      'a second list, and a single request for the object',
    );
  }
});

test('an object store that says no time refuses, in its own words', async () => {
  const { failure } = await use(3 * HOUR_MS, false);
  ok(failure instanceof ObjectStoreError);
  match(failure.message, /The difference is too large/);
});
