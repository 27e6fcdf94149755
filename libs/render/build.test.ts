import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createLogger } from '@weir/telemetry';
import { type BuildRequest, createPool, RenderError, type RenderPool } from './index.ts';
import { EXAMPLE, type Files, packFiles, SERVICE } from './testing/artifact.ts';

const tenant = 'apps';
let pool: RenderPool;
before(async () => {
  pool = await createPool({ size: 1, log: createLogger({ service: 'test', level: 'error' }) });
});
after(() => pool.close());

type Context = Parameters<typeof packFiles>[0];
type Options = Omit<BuildRequest, 'artifact' | 'path'>;

async function build(t: Context, files: Files, path: string, options: Options = {}) {
  return await pool.build({ artifact: await packFiles(t, files), path, ...options }, { tenant });
}

/** Rejects unless a build fails with the reason and a message that has all the words. */
async function fails(
  t: Context,
  files: Files,
  reason: string,
  words: string[],
  options: Options = {},
) {
  await assert.rejects(build(t, files, 'app', options), (error) => {
    assert.ok(error instanceof RenderError);
    assert.equal(error.reason, reason);
    for (const word of words) assert.ok(error.message.includes(word), error.message);
    assert.ok(error.trace, 'a failed build has its trace');
    return true;
  });
}

test('an overlay over a base', async (t) => {
  const { objects, digest, warnings } = await build(t, EXAMPLE, './staging');
  assert.deepEqual(
    objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`),
    ['Deployment/staging-web', 'Service/staging-web'],
  );
  assert.match(digest, /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(warnings, []);
});

test('every field of the Kustomization', async (t) => {
  const { objects } = await build(t, EXAMPLE, 'production', {
    kustomization: {
      targetNamespace: 'apps',
      namePrefix: 'p-',
      nameSuffix: '-s',
      components: ['../part', '../gone'],
      ignoreMissingComponents: true,
      images: [{ name: 'registry.example/web', newTag: '2.0.0' }],
      patches: [
        {
          patch: '- {op: add, path: /spec/replicas, value: 3}',
          target: { kind: 'Deployment', name: 'web' },
        },
      ],
      commonMetadata: { labels: { team: 'web' }, annotations: { note: 'n' } },
      buildMetadata: ['originAnnotations'],
    },
    ownerLabels: { owner: 'me' },
  });
  const deployment = objects.find(({ kind }) => kind === 'Deployment');
  assert.ok(deployment);
  assert.deepEqual(deployment.metadata, {
    name: 'p-web-s',
    namespace: 'apps',
    creationTimestamp: null,
    labels: { owner: 'me', part: 'of', team: 'web' },
    annotations: { 'config.kubernetes.io/origin': 'path: ../base/deployment.yaml\n', note: 'n' },
  });
  const spec = deployment.spec as {
    replicas: number;
    template: { spec: { containers: object[] } };
  };
  assert.equal(spec.replicas, 3);
  assert.deepEqual(spec.template.spec.containers, [
    { name: 'web', image: 'registry.example/web:2.0.0', resources: {} },
  ]);
});

test('a folder without kustomization.yaml is scanned', async (t) => {
  const { objects } = await build(t, { 'app/a/service.yaml': SERVICE, 'app/README.md': '' }, 'app');
  assert.equal(objects.length, 1);
});

test('variables: values, defaults, disabled, strict', async (t) => {
  const config = (name: string, annotations: string): string =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}${annotations}}\ndata: {a: "${'$'}{A}x", b: "${'$'}{B:=b}x"}\n`;
  const files = {
    'app/on.yaml': config('on', ''),
    'app/off.yaml': config(
      'off',
      ', annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}',
    ),
  };
  const data = async (options: Options) =>
    Object.fromEntries(
      (await build(t, files, 'app', options)).objects.map((o) => [o.metadata.name, o.data]),
    );
  const untouched = { a: `${'$'}{A}x`, b: `${'$'}{B:=b}x` };
  assert.deepEqual(await data({}), { off: untouched, on: untouched });
  assert.deepEqual(await data({ substitute: { vars: null } }), { off: untouched, on: untouched });
  assert.deepEqual(await data({ substitute: { vars: null, always: true } }), {
    off: untouched,
    on: { a: 'x', b: 'bx' },
  });
  assert.deepEqual(await data({ substitute: { vars: { A: '1', B: '2' }, strict: true } }), {
    off: untouched,
    on: { a: '1x', b: '2x' },
  });
  await fails(
    t,
    files,
    'BuildFailed',
    ['post build failed', 'variable not set (strict mode): "A"'],
    {
      substitute: { vars: { B: '2' }, strict: true },
    },
  );
});

test('what is refused says why', async (t) => {
  const overlay = (resource: string): Files => ({
    'app/kustomization.yaml': `resources: ['${resource}']\n`,
  });
  await fails(t, overlay('https://github.com/org/repo//base?ref=v1'), 'BuildFailed', [
    "remote resource 'https://github.com/org/repo//base?ref=v1' in app/kustomization.yaml is not allowed",
  ]);
  await fails(t, overlay('../../../etc/passwd'), 'BuildFailed', ['path leaves the artifact']);
  await fails(t, overlay('/etc/passwd'), 'BuildFailed', [
    'read /etc/passwd: path leaves the artifact',
  ]);
  await fails(t, { 'app/kustomization.yaml': 'helmCharts: [{name: x}]\n' }, 'BuildFailed', [
    'helm charts in app/kustomization.yaml are not allowed',
  ]);
});

test('errors name the file and the line', async (t) => {
  const tab = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: x\n';
  await fails(t, { 'app/x.yaml': tab }, 'BuildFailed', ['app/x.yaml', 'line 4']);
  await fails(t, { 'app/one.yaml': SERVICE, 'app/two.yaml': SERVICE }, 'BuildFailed', [
    'two.yaml',
    'already registered id: Service.v1.[noGrp]/web.[noNs]',
  ]);
  await fails(t, { 'other/x.yaml': SERVICE }, 'ArtifactFailed', [
    'kustomization path not found: stat app: no such file or directory',
  ]);
});

test('an artifact that is not what its digest says', async (t) => {
  const artifact = { ...(await packFiles(t, EXAMPLE)), digest: `sha256:${'0'.repeat(64)}` };
  await assert.rejects(pool.build({ artifact, path: 'base' }, { tenant }), {
    reason: 'ArtifactFailed',
    message: /digest mismatch/,
  });
});

test('deprecated fields are warnings', async (t) => {
  const files = { ...EXAMPLE, 'app/kustomization.yaml': 'bases: [../base]\n' };
  const { warnings } = await build(t, files, 'app');
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /^app\/kustomization.yaml: 'bases' is deprecated/);
});

test('the other operations', async () => {
  const { kept } = await pool.ignore(
    {
      rules: undefined,
      ignoreFiles: [{ path: 'app/.sourceignore', content: '*.md\n' }],
      paths: ['app/x.md', 'app/x.yaml', 'x.md', '.git/config'],
    },
    { tenant },
  );
  assert.deepEqual(kept, ['app/x.yaml', 'x.md']);
  const all = ['.git/config', 'img.png'];
  const nothing = { rules: undefined, ignoreFiles: [], paths: all, noDefaults: true };
  assert.deepEqual((await pool.ignore(nothing, { tenant })).kept, all);
  assert.deepEqual(
    await pool.semver({ range: '1.x', versions: ['v1.0.0', '1.2.0', '2.0.0', 'x'] }, { tenant }),
    {
      sorted: ['1.2.0', 'v1.0.0'],
      highest: ['1.2.0'],
    },
  );
  await assert.rejects(pool.semver({ range: '!', versions: [] }, { tenant }), {
    reason: 'InvalidSemVer',
  });
  assert.deepEqual(
    await pool.status(
      [
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } },
        { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'x', generation: 1 }, spec: {} },
      ],
      { tenant },
    ),
    [
      { status: 'Current', message: 'Resource is always ready' },
      { status: 'InProgress', message: 'Job not started. active: 0/1' },
    ],
  );
  const version = await pool.version();
  assert.match(version.hash, /^[0-9a-f]{64}$/);
  assert.equal(version.kustomize, 'v0.21.1');
});
