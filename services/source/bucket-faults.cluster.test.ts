// Object stores that refuse or don't answer: what the Bucket reports, and that its artifact stays.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { Bucket, type BucketSpec, findCondition } from '@weir/api';
import { freePort, S3_KEYS, type S3Server, startS3Server } from '@weir/cluster';
import { type ServiceHarness, startServiceHarness } from '@weir/kit';
import { type KubeObject, Secret } from '@weir/kube';
import { errorAnswer } from '@weir/objectstore/testing';
import { service } from './main.ts';

const WRITING = { fieldManager: 'test', force: true };

describe('a Bucket whose object store refuses keeps its artifact', () => {
  let harness: ServiceHarness;
  let server: S3Server;
  before(async () => {
    server = await startS3Server();
    const flags = { 'artifact-port': '0', 'allow-local-addresses': 'true' };
    harness = await startServiceHarness({ service, flags });
  });
  after(async () => {
    await harness?.close();
    await server?.close();
  });

  /** Creates a Bucket, or changes its spec, and waits for the Ready condition of that change. */
  async function applied(
    namespace: string,
    name: string,
    status: 'True' | 'False',
    spec: Partial<BucketSpec> = {},
  ): Promise<Bucket> {
    const metadata = { namespace, name: 's3' };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: S3_KEYS };
    await harness.client.apply(Secret, secret, WRITING);
    const all = {
      ...{ interval: '1h', endpoint: server.endpoint, bucketName: name, insecure: true },
      secretRef: { name: 's3' },
      ...spec,
    };
    const { apiVersion, kind } = Bucket;
    const object = { apiVersion, kind, metadata: { namespace, name }, spec: all };
    await harness.client.apply(Bucket, object as KubeObject, WRITING);
    return harness.ready<Bucket>(Bucket, { namespace, name }, { status, current: true });
  }

  /** Answers every list of the bucket as an object store would, by its documented codes. */
  function refuseLists(bucket: string, status: number, code: string, message: string): void {
    server.front.intercept(({ url = '', method }, response: ServerResponse) => {
      if (method !== 'GET' || !url.startsWith(`/${bucket}`) || !url.includes('list-type=2')) {
        return false;
      }
      response.writeHead(status, { 'content-type': 'application/xml' });
      response.end(errorAnswer(code, message));
      return true;
    });
  }

  // Codes and texts: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
  const refusals: [string, number, string, string][] = [
    ['that lets nobody list it', 403, 'AccessDenied', 'Access Denied'],
    [
      'of another region than the server was asked for',
      400,
      'AuthorizationHeaderMalformed',
      "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'",
    ],
    [
      'whose clock differs and which does not say by how much',
      403,
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
    ],
    ['that has to rest', 503, 'SlowDown', 'Please reduce your request rate.'],
  ];
  for (const [index, [what, status, code, words]] of refusals.entries()) {
    test(`one ${what}`, async () => {
      const namespace = await harness.namespace();
      const name = `refused-${index}`;
      await server.createBucket(name, { 'a.txt': 'a' });
      const before = await applied(namespace, name, 'True');
      refuseLists(name, status, code, words);
      const refused = await applied(namespace, name, 'False', { interval: '2h' });
      server.front.intercept(undefined);
      assert.deepEqual(refused.status?.artifact, before.status?.artifact);
      const { reason, message = '' } =
        findCondition(refused.status?.conditions, 'FetchFailed') ?? {};
      assert.equal(reason, 'BucketOperationFailed');
      assert.ok(message.includes(`'${name}' bucket`) && message.includes(words), message);
      await applied(namespace, name, 'True', { interval: '3h' });
    });
  }

  test('one whose endpoint is down', async () => {
    const namespace = await harness.namespace();
    await server.createBucket('down', { 'a.txt': 'a' });
    const before = await applied(namespace, 'down', 'True');
    const endpoint = `127.0.0.1:${await freePort()}`;
    const down = await applied(namespace, 'down', 'False', { endpoint });
    assert.deepEqual(down.status?.artifact, before.status?.artifact);
    const { reason, message = '' } = findCondition(down.status?.conditions, 'FetchFailed') ?? {};
    assert.equal(reason, 'BucketOperationFailed');
    assert.ok(message.includes("'down' bucket") && message.includes('ECONNREFUSED'), message);
    await applied(namespace, 'down', 'True');
  });
});
