// The options of install, upgrade, rollback and uninstall against a control plane, and how failures are stored.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { ConfigMap, type KubeObject, Namespace, Secret } from '@weir/kube';
import { chart, type Files, type Harness, type Subject, startHarness } from './testing/actions.ts';

let h: Harness;

before(async () => {
  h = await startHarness();
});
after(() => h?.close());

const install = async (subject: Subject) => h.actions.install(await h.context(subject));
const upgrade = async (subject: Subject) => h.actions.upgrade(await h.context(subject));

async function versions(namespace: string): Promise<string[]> {
  const { items } = await h.client.list(Secret, { namespace, labelSelector: 'owner=helm' });
  return items
    .map(({ metadata: { labels = {} } }) => `${labels.version} ${labels.status}`)
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
}

async function configMaps(namespace: string): Promise<string[]> {
  const { items } = await h.client.list(ConfigMap, { namespace });
  return items
    .map(({ metadata }) => metadata.name)
    .filter((name) => name !== 'kube-root-ca.crt')
    .sort();
}

function managers({ metadata }: KubeObject): string[] {
  return (metadata.managedFields ?? [])
    .filter(({ subresource }) => subresource === undefined)
    .map(({ manager, operation }) => `${manager} ${operation}`);
}

const FAILING = { image: 'example.org/fail:1', replicas: 1 };
const MORE: Files = {
  'templates/more.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\ndata: {k: v}\n',
};

test('an upgrade that does not get ready is stored as failed, and cleans up what it created', async () => {
  const namespace = await h.namespace();
  await install({ namespace });
  const files = chart('2.0.0', MORE);
  const options = { namespace, files, values: FAILING, timeoutMs: 2_000 };
  const why = `timeout waiting for: [Deployment/${namespace}/web status: 'InProgress']`;
  const kept = await upgrade(options);
  assert.equal(kept.failure?.message, why);
  assert.deepEqual(
    kept.releases.map(({ info }) => `${info.status} ${info.description}`),
    // Helm writes the version before it again, and Flux's history shows that: it is reported, and not written.
    [`failed Upgrade "web" failed: ${why}`, 'deployed Install complete'],
  );
  assert.deepEqual(await configMaps(namespace), ['more', 'web-cfg']);
  assert.deepEqual(await versions(namespace), ['1 deployed', '2 failed']);

  await h.client.delete(ConfigMap, { namespace, name: 'more' });
  const spec = { upgrade: { cleanupOnFail: true } };
  const cleaned = await upgrade({ ...options, spec });
  assert.equal(cleaned.failure?.message, why);
  assert.deepEqual(await configMaps(namespace), ['web-cfg']);
});

test('without waiting nothing has to be ready', async () => {
  const namespace = await h.namespace();
  const spec = { install: { disableWait: true } };
  const { failure } = await install({ namespace, values: FAILING, spec });
  assert.equal(failure, undefined);
});

test('Helm 3 rules of readiness say no more than that the time is over', async () => {
  const namespace = await h.namespace();
  const spec = { waitStrategy: { name: 'legacy' as const } };
  const failed = await install({ namespace, values: FAILING, spec, timeoutMs: 2_000 });
  assert.equal(failed.failure?.message, 'context deadline exceeded');
  const ready = await upgrade({ namespace, values: { replicas: 1 }, spec });
  assert.equal(ready.failure, undefined);
});

test('a Job that deletes itself is done when it is gone, and one that fails ends the wait', async () => {
  const namespace = await h.namespace();
  const job = (image: string, more = '') => ({
    'templates/job.yaml': `apiVersion: batch/v1
kind: Job
metadata: {name: once-{{ .Release.Revision }}}
spec:
  ${more}
  backoffLimit: 0
  template: {spec: {restartPolicy: Never, containers: [{name: c, image: '${image}'}]}}
`,
  });
  const files = chart('1.0.0', job('example.org/ok:1', 'ttlSecondsAfterFinished: 0'));
  assert.equal((await install({ namespace, files })).failure, undefined);
  const failing = chart('1.0.0', job('example.org/fail:1'));
  const { failure } = await upgrade({ namespace, files: failing });
  const status = `Job/${namespace}/once-2 status: 'Failed'`;
  assert.equal(failure?.message, `failed early due to stalled resources: [${status}]`);
});

test('what the API server refuses is named, and the release is stored as failed', async () => {
  const namespace = await h.namespace();
  await install({ namespace });
  const name = 'templates/deploy.yaml';
  const files = { ...chart('1.0.0') };
  files[name] = (files[name] ?? '').replaceAll('app: {{ .Release.Name }}', 'app: else');
  const { failure } = await upgrade({ namespace, files });
  assert.match(
    failure?.message ?? '',
    new RegExp(
      `^server-side apply failed for object ${namespace}/web apps/v1, Kind=Deployment: .*field is immutable`,
    ),
  );
  assert.deepEqual(await versions(namespace), ['1 deployed', '2 failed']);
});

test('nothing is stored for a kind that is unknown, and for an object of somebody else', async () => {
  const namespace = await h.namespace();
  const unknown = 'apiVersion: example.org/v1\nkind: None\nmetadata: {name: it}\n';
  const missing = await install({
    namespace,
    files: chart('1.0.0', { 'templates/x.yaml': unknown }),
  });
  assert.equal(
    missing.failure?.message,
    'unable to build kubernetes objects from release manifest: resource mapping not found for name: "it" namespace: "" ' +
      'from "": no matches for kind "None" in version "example.org/v1"\nensure CRDs are installed first',
  );
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: 'web-cfg' } };
  await h.client.create(ConfigMap, object);
  const spec = { install: { disableTakeOwnership: true } };
  const foreign = await install({ namespace, spec });
  assert.equal(
    foreign.failure?.message,
    `unable to continue with install: ConfigMap "web-cfg" in namespace "${namespace}" exists and cannot be imported into ` +
      'the current release: invalid ownership metadata; label validation error: missing key ' +
      '"app.kubernetes.io/managed-by": must be set to "Helm"; annotation validation error: missing key ' +
      '"meta.helm.sh/release-name": must be set to "web"; annotation validation error: missing key ' +
      `"meta.helm.sh/release-namespace": must be set to "${namespace}"`,
  );
  assert.deepEqual(await versions(namespace), []);
  assert.equal((await install({ namespace })).failure, undefined);
  const taken = await h.get('v1', 'ConfigMap', namespace, 'web-cfg');
  assert.equal(taken.metadata.annotations?.['meta.helm.sh/release-name'], 'web');
});

test('client-side apply merges, goes on as it began, and is handed over to server-side apply', async () => {
  const namespace = await h.namespace();
  const spec = { install: { serverSideApply: false } };
  await install({ namespace, spec });
  const read = () => h.get('v1', 'ConfigMap', namespace, 'web-cfg');
  assert.deepEqual(managers(await read()), ['helm-controller Update']);
  await h.client.patch(
    ConfigMap,
    { namespace, name: 'web-cfg' },
    { data: { mine: 'x' } },
    {
      kind: 'merge',
      fieldManager: 'hand',
    },
  );
  const merged = await upgrade({ namespace, values: { color: 'red' } });
  assert.equal(merged.failure, undefined);
  assert.equal(merged.releases[0]?.applyMethod, 'csa');
  assert.deepEqual((await read()).data, { color: 'red', mine: 'x' });

  const serverSide = { upgrade: { serverSideApply: 'enabled' as const } };
  const switched = await upgrade({ namespace, spec: serverSide, values: { color: 'green' } });
  assert.equal(switched.failure, undefined);
  assert.deepEqual(managers(await read()).sort(), ['hand Update', 'helm-controller Apply']);

  const back = { upgrade: { serverSideApply: 'disabled' as const, force: true } };
  const replaced = await upgrade({ namespace, spec: back, values: { color: 'blue' } });
  assert.equal(replaced.failure, undefined);
  assert.deepEqual((await read()).data, { color: 'blue' });
});

test('what leaves the chart is deleted, unless it is to be kept', async () => {
  const namespace = await h.namespace();
  const kept =
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept, annotations: {helm.sh/resource-policy: keep}}\n';
  await install({ namespace, files: chart('1.0.0', { ...MORE, 'templates/kept.yaml': kept }) });
  assert.equal((await upgrade({ namespace })).failure, undefined);
  assert.deepEqual(await configMaps(namespace), ['kept', 'web-cfg']);
  await h.actions.uninstall(await h.context({ namespace }));
  assert.deepEqual(await configMaps(namespace), ['kept']);
});

test('storage keeps as many versions as it should, and the deployed one always', async () => {
  const namespace = await h.namespace();
  const spec = { maxHistory: 2 };
  await install({ namespace, spec });
  for (const color of ['a', 'b']) await upgrade({ namespace, spec, values: { color } });
  assert.deepEqual(await versions(namespace), ['2 superseded', '3 deployed']);
  for (let times = 0; times < 2; times++) {
    await upgrade({ namespace, spec, values: FAILING, timeoutMs: 500 });
  }
  assert.deepEqual(await versions(namespace), ['3 deployed', '5 failed']);
});

test('an uninstalled release that is kept can be replaced', async () => {
  const namespace = await h.namespace();
  await install({ namespace });
  const spec = { uninstall: { keepHistory: true } };
  const gone = await h.actions.uninstall(await h.context({ namespace, spec }));
  assert.equal(gone.releases[0]?.info.status, 'uninstalled');
  const again = await h.actions.uninstall(await h.context({ namespace, spec }));
  assert.equal(again.absent, 'already');
  const inUse = await install({ namespace });
  assert.match(inUse.failure?.message ?? '', /cannot reuse a name that is still in use/);
  const replaced = await install({ namespace, spec: { install: { replace: true } } });
  assert.equal(replaced.failure, undefined);
  assert.deepEqual(await versions(namespace), ['1 superseded', '2 deployed']);
});

test('a release that does not fit into a Secret applies nothing, and says what is so large', async () => {
  const namespace = await h.namespace();
  const noise = randomBytes(900_000).toString('base64');
  const { failure } = await install({
    namespace,
    files: chart('1.0.0', { 'files/noise.txt': noise }),
  });
  assert.match(
    failure?.message ?? '',
    /^the release is too large for Helm's storage: 1\.\d\d MiB .*noise\.txt/,
  );
  assert.deepEqual(await configMaps(namespace), []);
});

test('CRDs come before the objects of their kinds, and outlive the release', async () => {
  const namespace = await h.namespace();
  const crd = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
`;
  const thing = `{{ if not (.Capabilities.APIVersions.Has "example.com/v1/Thing") }}{{ fail "no Thing" }}{{ end }}
apiVersion: example.com/v1
kind: Thing
metadata: {name: it}
`;
  const files = chart('1.0.0', { 'crds/thing.yaml': crd, 'templates/thing.yaml': thing });
  const { failure, inventory } = await install({ namespace, files });
  assert.equal(failure, undefined);
  assert.equal(
    inventory?.at(-1)?.id,
    '_things.example.com_apiextensions.k8s.io_CustomResourceDefinition',
  );
  await h.actions.uninstall(await h.context({ namespace, files }));
  const kept = await h.get(
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    '',
    'things.example.com',
  );
  assert.equal(kept.metadata.labels?.['helm.toolkit.fluxcd.io/name'], 'web');
});

test('a CRD that would break stored objects is refused, unless the HelmRelease says otherwise', async () => {
  const namespace = await h.namespace();
  const crd = (schema: string) => `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: parts.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Part, plural: parts}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, properties: {spec: ${schema}}}}
`;
  const size = (type: string) =>
    chart('1.0.0', {
      'crds/part.yaml': crd(`{type: object, properties: {size: {type: ${type}}}}`),
    });
  await install({ namespace, files: size('string') });
  const part = { apiVersion: 'example.com/v1', kind: 'Part', metadata: { namespace, name: 'it' } };
  const type = await h.client.discovery.resourceForKind(part.apiVersion, part.kind);
  await h.client.create(type, { ...part, spec: { size: 'large' } });

  const { failure } = await upgrade({ namespace, files: size('integer') });
  assert.match(
    failure?.message ?? '',
    new RegExp(
      '^failed to apply CustomResourceDefinitions: CustomResourceDefinition parts.example.com would break what is stored: ' +
        `.*${namespace}/it.*Migrate the objects first`,
    ),
  );
  assert.doesNotMatch(failure?.message ?? '', /large/);
  assert.deepEqual(await versions(namespace), ['1 deployed']);

  const annotations = { 'helm.toolkit.fluxcd.io/crdComparison': 'disabled' };
  const forced = await upgrade({ namespace, files: size('integer'), annotations });
  assert.equal(forced.failure, undefined);
});

test('the target namespace is created where the spec says so', async () => {
  const namespace = await h.namespace();
  const targetNamespace = `${namespace}-target`;
  const spec = { targetNamespace, install: { createNamespace: true } };
  assert.equal((await install({ namespace, spec })).failure, undefined);
  const created = await h.client.get(Namespace, { name: targetNamespace });
  assert.equal(created.metadata.labels?.name, targetNamespace);
  assert.deepEqual(await configMaps(targetNamespace), ['web-cfg']);
  assert.deepEqual(await versions(namespace), ['1 deployed']);
});

test('an account that may not read storage learns nothing of it, whatever the watch knows', async () => {
  const namespace = await h.namespace();
  await install({ namespace });
  await h.client.create(
    {
      group: '',
      version: 'v1',
      kind: 'ServiceAccount',
      plural: 'serviceaccounts',
      namespaced: true,
    },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: 'nobody' } },
  );
  const context = await h.context({ namespace, account: 'nobody' });
  await assert.rejects(
    context.storage.last(),
    /query: failed to query with labels: secrets is forbidden/,
  );
  const { failure } = await h.actions.uninstall(context);
  assert.match(
    failure?.message ?? '',
    /^uninstall: Release not loaded: web: query: failed to query/,
  );
});
