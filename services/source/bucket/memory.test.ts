// What the service and its children take for one bucket, whatever it holds: each case runs in a process of its own.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { listPage, type ScriptedObject, startScripted } from '@weir/objectstore/testing';
import { buildEngine } from '@weir/render';
import { runMeasured } from '../testing/peak-memory.ts';

const MIB = 1024 ** 2;
const LIMIT = 400_000_000;
const script = join(import.meta.dirname, '../testing/fetch-bucket-alone.ts');

interface Held {
  /** Objects of the bucket, all like this one but for the number in their key. */
  count: number;
  object(index: number): ScriptedObject;
  /** Answers the read of an object; with one byte unless given. */
  read?(response: ServerResponse): void;
  ignore?: string;
}

describe('one bucket takes less than 400 MB', () => {
  before(() => buildEngine());

  async function measure(what: string, held: Held, expected: RegExp): Promise<void> {
    const server = await startScripted((url, response) => {
      if (url.searchParams.has('location')) {
        response.end('<LocationConstraint>us-east-1</LocationConstraint>');
      } else if (url.searchParams.has('list-type')) {
        const from = Number(url.searchParams.get('continuation-token') ?? 0);
        const to = Math.min(from + 1000, held.count);
        const page = Array.from({ length: to - from }, (_, index) => held.object(from + index));
        response.end(listPage(page, to < held.count ? `${to}` : undefined));
      } else if (held.read) held.read(response);
      else response.setHeader('etag', '"e"').end('x');
    });
    const run = await runMeasured(script, [
      server.endpoint,
      ...(held.ignore === undefined ? [] : [held.ignore]),
    ]);
    await server.close();
    assert.match(run.stdout, expected);
    assert.ok(run.stdout.length < 2_000, 'the message is bounded');
    assert.ok(run.peakBytes < LIMIT, `it took ${run.peakBytes} bytes: ${run.processes}`);
    console.log(`${what}: at most ${Math.round(run.peakBytes / MIB)} MiB (${run.processes})`);
  }

  test('with a list that never ends', () =>
    measure(
      'endless',
      { count: Number.POSITIVE_INFINITY, object: (index) => ({ key: `objects/${index}` }) },
      /more than \d+ objects/,
    ));

  test('with keys of 1000 bytes that never end', () => {
    const key = (index: number) => `${'folder/'.repeat(140)}${index}`;
    const held = {
      count: Number.POSITIVE_INFINITY,
      object: (index: number) => ({ key: key(index) }),
    };
    return measure('long keys', held, /keys of more than \d+ bytes/);
  });

  test('with 90,000 objects that rules leave out', () =>
    measure(
      'rules',
      { count: 90_000, object: (index) => ({ key: `objects/${index}.txt` }), ignore: '*.txt\n' },
      /"objects":0/,
    ));

  test('with 5,000 objects', () =>
    measure(
      'objects',
      { count: 5_000, object: (index) => ({ key: `objects/${index}.txt` }) },
      /"objects":5000/,
    ));

  test('with objects that come a byte at a time', () => {
    const size = 10_000;
    const read = (response: ServerResponse): void => {
      response.setHeader('etag', '"e"');
      let left = size;
      const write = (): void => {
        if (left-- <= 0) response.end();
        else response.write('x', () => (left % 100 === 0 ? setImmediate(write) : write()));
      };
      write();
    };
    const object = (index: number) => ({ key: `${index}`, size });
    return measure('bytes', { count: 50, object, read }, /"objects":50/);
  });

  test('with an object of 5 GB', () =>
    measure(
      '5 GB',
      { count: 1, object: () => ({ key: 'large', size: 5 * 1024 ** 3 }) },
      /the largest is 'large' with 5368709120 bytes/,
    ));

  test('with an object that has more than it says, without an end', () => {
    const chunk = Buffer.alloc(MIB);
    const read = (response: ServerResponse): void => {
      response.on('error', () => undefined);
      const write = () => !response.destroyed && response.write(chunk, write);
      write();
    };
    const held = { count: 1, object: () => ({ key: 'endless', size: 1 }), read };
    return measure(
      'no end',
      held,
      /failed to get 'endless' object: all objects together have more/,
    );
  });

  test('with objects of 100 MB', () => {
    const content = Buffer.alloc(100 * MIB);
    const held = {
      ...{ count: 4, object: (index: number) => ({ key: `${index}`, size: content.length }) },
      read: (response: ServerResponse) => void response.setHeader('etag', '"e"').end(content),
    };
    return measure('zeros', held, /"objects":4/);
  });
});
