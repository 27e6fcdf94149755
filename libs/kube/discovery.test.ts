import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createDiscovery } from './discovery.ts';
import { NoMatchError } from './errors.ts';
import { type ReceivedRequest, scripted } from './testing/script.ts';
import { answer, refuse } from './testing/server.ts';

function aggregated(...groups: [string, string[], string[]][]) {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    items: groups.map(([name, versions, kinds]) => ({
      metadata: { name },
      versions: versions.map((version) => ({
        version,
        resources: kinds.map((kind) => ({
          resource: `${kind.toLowerCase()}s`,
          responseKind: { group: name, version, kind },
          scope: kind === 'Node' ? 'Cluster' : 'Namespaced',
          verbs: ['get', 'watch'],
          subresources: [{ subresource: 'status' }],
        })),
      })),
    })),
  };
}

it('asks for everything at once', async (t) => {
  const { caller, received } = await scripted(t, [
    (stream, { path }) =>
      answer(
        stream,
        path === '/api'
          ? aggregated(['', ['v1'], ['Pod', 'Node']])
          : aggregated(['apps', ['v2', 'v1'], ['Deployment']]),
      ),
  ]);
  const discovery = createDiscovery(caller);
  assert.deepEqual(await discovery.resourceForKind('v1', 'Node'), {
    group: '',
    version: 'v1',
    kind: 'Node',
    plural: 'nodes',
    namespaced: false,
    verbs: ['get', 'watch'],
    subresources: ['status'],
  });
  const preferred = await discovery.resourceFor({ group: 'apps', kind: 'Deployment' });
  assert.equal(preferred.version, 'v2');
  assert.equal((await discovery.resourceForKind('apps/v1', 'Deployment')).version, 'v1');
  assert.equal((await discovery.resources()).length, 4);
  assert.deepEqual(received.map(({ path }) => path).toSorted(), ['/api', '/apis']);
});

it('asks an old server group by group, and leaves out what is down', async (t) => {
  const answers: Record<string, object> = {
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/apis': {
      kind: 'APIGroupList',
      groups: [
        {
          versions: [{ groupVersion: 'apps/v1' }, { groupVersion: 'apps/v2' }],
          preferredVersion: { groupVersion: 'apps/v2' },
        },
        { versions: [{ groupVersion: 'gone.example/v1' }] },
      ],
    },
    '/api/v1': { resources: [{ name: 'pods', kind: 'Pod', namespaced: true, verbs: ['get'] }] },
    ...Object.fromEntries(
      ['v1', 'v2'].map((version) => [
        `/apis/apps/${version}`,
        {
          resources: [
            { name: 'deployments', kind: 'Deployment', namespaced: true },
            { name: 'deployments/status', kind: 'Deployment', namespaced: true },
          ],
        },
      ]),
    ),
  };
  const respond = (stream: Parameters<typeof answer>[0], { path }: ReceivedRequest) => {
    const body = answers[path];
    if (body === undefined) return refuse(stream, 404, 'NotFound');
    answer(stream, body);
  };
  const { caller } = await scripted(t, [respond]);
  const discovery = createDiscovery(caller);
  const preferred = await discovery.resourceFor({ group: 'apps', kind: 'Deployment' });
  assert.deepEqual(
    [preferred.version, preferred.plural, preferred.subresources],
    ['v2', 'deployments', ['status']],
  );
  assert.equal((await discovery.resourceForKind('v1', 'Pod')).plural, 'pods');
});

it('asks again for what it does not know, but not all the time', async (t) => {
  let now = 0;
  let rounds = 0;
  const { caller } = await scripted(t, [
    (stream, { path }) => {
      if (path === '/api') rounds += 1;
      answer(stream, aggregated(['a.example', ['v1'], rounds > 2 ? ['Old', 'New'] : ['Old']]));
    },
  ]);
  const discovery = createDiscovery(caller, () => now);
  const ask = () => discovery.resourceForKind('a.example/v1', 'New');
  await assert.rejects(Promise.all([ask(), ask(), ask()]), NoMatchError);
  assert.equal(rounds, 1);
  now = 1_900;
  await assert.rejects(ask(), /no matches for kind "New" in version "a.example\/v1"/);
  assert.equal(rounds, 1, 'the table is young enough');
  now = 2_100;
  await assert.rejects(ask(), NoMatchError);
  assert.equal(rounds, 2);
  discovery.invalidate();
  assert.equal((await ask()).plural, 'news');
  assert.equal(rounds, 3);
  await ask();
  assert.equal(rounds, 3);
  // A definition was just applied: the server may serve its kind only a little later.
  discovery.invalidate();
  const other = () => discovery.resourceForKind('a.example/v1', 'Other');
  await assert.rejects(other(), NoMatchError);
  assert.equal(rounds, 4);
  now += 300;
  await assert.rejects(other(), NoMatchError);
  assert.equal(rounds, 5);
});
