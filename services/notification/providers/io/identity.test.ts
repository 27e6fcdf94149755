import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { createIdentities } from '@weir/identity';
import { startClouds } from '@weir/identity/testing';
import { ApiError } from '@weir/kube';
import { DeliveryError } from '../../delivery/errors.ts';
import { eventOf, targetOf } from '../../testing/fixtures.ts';
import { ioOf } from '../../testing/io.ts';
import { azuredevops } from '../forge/statuses.ts';
import { azureeventhub } from '../queue/azureeventhub.ts';
import { googlepubsub } from '../queue/googlepubsub.ts';
import type { Target } from '../target.ts';
import type { HttpRequest } from './http.ts';
import { createCloudTokens } from './identity.ts';

const COMMIT = 'c0ffee'.repeat(7).slice(0, 40);
const event = eventOf({}, { severity: 'error', metadata: { revision: `main@sha1:${COMMIT}` } });

/** Tokens are for the service itself, which has the identity of its node; there is no account. */
async function setup(t: TestContext) {
  const clouds = await startClouds();
  t.after(() => clouds.close());
  const missing = async () => {
    throw new ApiError('serviceaccounts "me" not found', { status: 404, reason: 'NotFound' });
  };
  const identities = createIdentities({
    client: { get: missing, request: missing },
    ...{ objectLevel: true, allowLocal: true, environment: {}, endpoints: clouds.endpoints },
    cache: { max: 100, maxAgeMs: 3_600_000 },
    network: { firstPauseMs: 1, attemptMs: 10_000 },
  });
  t.after(() => identities.close());
  return { clouds, tokensFor: createCloudTokens(identities) };
}

function withAccount(target: Target): Target {
  target.provider.object.spec.serviceAccountName = 'me';
  return target;
}

it('the service has a token where a Provider of a cloud has none', async (t) => {
  const { clouds, tokensFor } = await setup(t);
  const target = targetOf({ address: 'https://dev.azure.com/o/p/_git/r' });
  const sent: HttpRequest[] = [];
  const cloudToken = tokensFor(target, AbortSignal.timeout(10_000));
  const request = async (each: HttpRequest) => {
    sent.push(each);
    return { status: 200, headers: {}, text: '[]' };
  };
  await azuredevops.send(event, target, ioOf({ request, cloudToken }));
  const given = sent.at(-1)?.headers?.authorization?.replace('Basic ', '') ?? '';
  const password = Buffer.from(given, 'base64').toString().slice(1);
  assert.ok(clouds.secrets().includes(password), 'the token that Azure gave out');
  await azuredevops.send(event, { ...target, token: 'pat' }, ioOf({ request }));
  assert.equal(clouds.calls('azure-metadata').length, 1);
});

it('an account that is named is who asks, or nobody does', async (t) => {
  const { clouds, tokensFor } = await setup(t);
  const target = withAccount(targetOf({ address: 'https://dev.azure.com/o/p/_git/r' }));
  const cloudToken = tokensFor(target, AbortSignal.timeout(10_000));
  await assert.rejects(azuredevops.send(event, target, ioOf({ cloudToken })), (error: unknown) => {
    assert.ok(error instanceof DeliveryError && error.permanent);
    assert.match(error.message, /failed to get token: .*me/);
    return true;
  });
  assert.equal(clouds.calls().length, 0, 'no cloud was asked as the service');
});

it('two kinds of credentials at once are refused', async () => {
  const sas = 'Endpoint=sb://h;SharedAccessKeyName=k;SharedAccessKey=made-up;EntityPath=e';
  const hub = { address: 'hub', channel: 'ns' };
  const cases: [Target, RegExp][] = [
    [withAccount(targetOf({ address: sas })), /: serviceAccountName and SAS authentication cannot/],
    [targetOf({ address: sas, token: 'jwt' }), /: jwt token and SAS authentication cannot/],
    [withAccount(targetOf({ ...hub, token: 'jwt' })), /: serviceAccountName and jwt token auth/],
  ];
  for (const [target, message] of cases) {
    await assert.rejects(azureeventhub.send(event, target, ioOf()), message);
  }
});

it('queues of clouds ask for the scope that they need', async () => {
  const asked: unknown[] = [];
  const io = ioOf({
    cloudToken: async (...what) => {
      asked.push(...what);
      return 'token';
    },
    open: () => Promise.reject(new DeliveryError('Unreachable', 'nobody is there')),
  });
  const target = targetOf({ address: 'hub-or-project', channel: 'ns-or-topic' });
  await assert.rejects(azureeventhub.send(event, target, io), /nobody is there/);
  await assert.rejects(googlepubsub.send(event, target, io), /nobody is there/);
  assert.deepEqual(asked, [
    { for: 'event-hubs', host: 'ns-or-topic.servicebus.windows.net' },
    { for: 'pubsub' },
  ]);
});

it('the token of the service goes to the cloud alone, wherever a Provider points', async (t) => {
  const { clouds, tokensFor } = await setup(t);
  const send = (type: typeof azuredevops, target: Target) =>
    type.send(event, target, ioOf({ cloudToken: tokensFor(target, AbortSignal.timeout(10_000)) }));
  for (const channel of ['evil.example.com', 'a.servicebus.windows.net.evil.example']) {
    const target = targetOf({ address: 'hub', channel });
    await assert.rejects(send(azureeventhub, target), /is no namespace of Azure Event Hubs/);
  }
  for (const host of ['https://evil.example.com', 'http://dev.azure.com']) {
    const target = targetOf({ address: `${host}/o/p/_git/r` });
    await assert.rejects(send(azuredevops, target), /is not Azure DevOps/);
  }
  const tls = { ca: 'made-up' };
  const address = 'https://dev.azure.com/o/p/_git/r';
  const readable = targetOf({ address, proxy: 'http://proxy.example.com:3128', tls });
  await assert.rejects(send(azuredevops, readable), /failed to get token/);
  assert.equal(clouds.calls().length, 0);
});
