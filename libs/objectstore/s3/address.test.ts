import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkBucketName, endpointUrl, isPathStyle, regionOf } from './address.ts';

const BUCKET = 'bucket';

test('an endpoint is a host, with or without a port', () => {
  const of = (endpoint: string, insecure = false) =>
    endpointUrl({ endpoint, bucket: BUCKET, insecure }).href;
  assert.equal(of('minio.example.com:9000', true), 'http://minio.example.com:9000/');
  assert.equal(of('s3.example.com'), 'https://s3.example.com/');
  assert.equal(of('[::1]:9000'), 'https://[::1]:9000/');
  for (const wrong of ['http://x', 'x/y', 'user:pass@x', 'x?a', 'x#a', 'a b', '', 'x\\y']) {
    assert.throws(() => of(wrong), /does not follow ip address or domain name standards/, wrong);
  }
});

test('a bucket has a name of S3, and is no ARN', () => {
  for (const name of ['abc', 'a.b-c_d', 'A1:b', 'x'.repeat(63)]) checkBucketName(name);
  for (const [name, message] of [
    ['ab', /shorter than 3/],
    ['x'.repeat(64), /longer than 63/],
    ['a/b', /invalid/],
    ['a..b', /invalid/],
    ['192.168.1.1', /invalid/],
    ['arn:aws:s3:::other', /invalid/],
  ] as const) {
    assert.throws(() => checkBucketName(name), message, name);
  }
});

test('a bucket is a part of the host where the server wants that', () => {
  const of = (url: string, bucket = BUCKET) => isPathStyle(new URL(url), bucket);
  assert.equal(of('https://minio.example.com'), true);
  assert.equal(of('https://s3.amazonaws.com'), false);
  assert.equal(of('https://s3.amazonaws.com', 'with.dot'), true);
  assert.equal(of('http://oss-cn-hangzhou.aliyuncs.com', 'with.dot'), false);
  assert.equal(of('https://evilamazonaws.com'), true);
});

test('hosts of AWS name their region', () => {
  const of = (host: string) => regionOf(new URL(`https://${host}`));
  assert.equal(of('s3.eu-west-1.amazonaws.com'), 'eu-west-1');
  assert.equal(of('s3-us-gov-west-1.amazonaws.com'), 'us-gov-west-1');
  assert.equal(of('s3.dualstack.ap-south-1.amazonaws.com'), 'ap-south-1');
  assert.equal(of('s3.amazonaws.com'), undefined);
  assert.equal(of('minio.example.com'), undefined);
});
