// Random artifacts: bases, overlays and components that use everything by which Kustomize reads files, most of
// which build, with files and folders beside them that nothing refers to.
import { posix } from 'node:path';
import fc from 'fast-check';
import type { Files } from './artifact.ts';

/** The description of a folder. Numbers are taken modulo the number of choices. */
export interface FolderPlan {
  kind: 'overlay' | 'component' | 'scanned';
  fileName: (typeof KUSTOMIZATION_NAMES)[number];
  features: Feature[];
  /** Folders that it builds on, by how far before it they come. */
  refs: number[];
}

/** A folder that no plan refers to: no build of a `kustomization.yaml` reads anything there. */
export const ELSEWHERE = 'elsewhere';

export const KUSTOMIZATION_NAMES = [
  'kustomization.yaml',
  'kustomization.yml',
  'Kustomization',
] as const;

/** Where the folders of a plan stand; some hold others. */
export const FOLDERS = ['base', 'part', 'lib/one', 'apps/a', 'apps', 'apps/a/sub', 'over'] as const;

const FEATURES = {
  deep: (f: Folder) => f.add('resources', f.write('sub/deep/config.yaml', configMap(`deep${f.n}`))),
  outside: (f: Folder) => f.add('resources', f.shared(`r${f.n}.yaml`, service(`shared${f.n}`))),
  json: (f: Folder) => f.add('resources', f.write('config.json', configMap(`json${f.n}`))),
  several: (f: Folder) =>
    f.add('resources', f.write('all.yaml', `${service(`s${f.n}`)}---\n${configMap(`c${f.n}`)}`)),
  configFiles: (f: Folder) =>
    f.add('configMapGenerator', {
      name: `files${f.n}`,
      files: [f.shared('app.conf', 'level=1\n'), `key=${f.write('own.txt', 'text\n')}`],
    }),
  configEnvs: (f: Folder) =>
    f.add('configMapGenerator', { name: `envs${f.n}`, envs: [f.shared('app.env', 'A=1\nB=2\n')] }),
  configLiterals: (f: Folder) =>
    f.add('configMapGenerator', { name: `literals${f.n}`, literals: ['a=b'] }),
  secretEnv: (f: Folder) =>
    f.add('secretGenerator', { name: `env${f.n}`, env: f.shared('secret.env', 'PASS=word\n') }),
  secretFiles: (f: Folder) =>
    f.add('secretGenerator', { name: `secret${f.n}`, files: [f.write('key.pem', 'key\n')] }),
  patchFile: (f: Folder) =>
    f.add('patches', {
      path: f.write('patch.yaml', patch(`replicas: ${f.n}`)),
      target: { kind: 'Deployment' },
    }),
  patchInline: (f: Folder) =>
    f.add('patches', { patch: patch('paused: true'), target: { kind: 'Deployment' } }),
  patchJson: (f: Folder) =>
    f.add('patches', {
      path: f.shared(
        'patch.json',
        '[{"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}}]',
      ),
      target: { kind: 'Service' },
    }),
  patchStrategic: (f: Folder) =>
    f.add('patchesStrategicMerge', f.write('merge.yaml', patch('minReadySeconds: 1', `d${f.n}`))),
  patch6902: (f: Folder) =>
    f.add('patchesJson6902', {
      path: f.write('json6902.yaml', '- {op: replace, path: /spec/replicas, value: 2}\n'),
      target: { group: 'apps', version: 'v1', kind: 'Deployment', name: `d${f.n}` },
    }),
  replacements: (f: Folder) => f.add('replacements', replacement(f.n)),
  replacementFile: (f: Folder) =>
    f.add('replacements', {
      path: f.write('replacement.yaml', JSON.stringify(replacement(f.n))),
    }),
  openapi: (f: Folder) => {
    f.add('resources', f.write('widget.yaml', widget(`w${f.n}`)));
    f.set('openapi', { path: f.shared('schema.json', SCHEMA) });
  },
  configurations: (f: Folder) => {
    f.add('resources', f.write('widget.yaml', widget(`w${f.n}`)));
    f.add(
      'configurations',
      f.shared('names.yaml', 'images:\n- {path: spec/image, kind: Widget}\n'),
    );
    f.add('images', { name: 'image', newTag: '2' });
  },
  crds: (f: Folder) => f.add('crds', f.shared('crd.json', SCHEMA)),
  transformer: (f: Folder) =>
    f.add('transformers', f.write('transformer.yaml', prefixer(`t${f.n}-`))),
  transformerFolder: (f: Folder) => {
    f.write('transform/kustomization.yaml', 'resources: [prefix.yaml]\n');
    f.write('transform/prefix.yaml', prefixer(`f${f.n}-`));
    f.add('transformers', 'transform');
  },
  generator: (f: Folder) =>
    f.add(
      'generators',
      f.write(
        'generator.yaml',
        `apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: made${f.n}}\nfiles: [${f.write('made.txt', 'made\n')}]\n`,
      ),
    ),
  validator: (f: Folder) =>
    f.add('validators', f.write('validator.yaml', prefixer('must-not-change-'))),
  prefix: (f: Folder) => f.set('namePrefix', `p${f.n}-`),
  namespace: (f: Folder) => f.set('namespace', `n${f.n}`),
  labels: (f: Folder) => f.add('labels', { pairs: { a: `b${f.n}` }, includeSelectors: true }),
  images: (f: Folder) => f.add('images', { name: 'image', newTag: `${f.n}` }),
  origin: (f: Folder) => f.add('buildMetadata', 'originAnnotations'),
  bases: (f: Folder) => f.add('bases', '../lib/one'),
  vars: (f: Folder) =>
    f.add('vars', {
      name: `V${f.n}`,
      objref: { apiVersion: 'apps/v1', kind: 'Deployment', name: `d${f.n}` },
    }),
  missingFile: (f: Folder) => f.add('resources', 'not-there.yaml'),
  missingDeep: (f: Folder) => f.add('resources', 'not/there/at-all.yaml'),
  missingComponent: (f: Folder) => f.add('components', '../not-there'),
  fileAsFolder: (f: Folder) => f.add('resources', `${f.write('file', 'text')}/below`),
  remote: (f: Folder) => f.add('resources', 'https://example.com/remote.yaml'),
  twoFiles: (f: Folder) => f.write('Kustomization', ''),
  unlisted: (f: Folder) => f.write('unlisted.yaml', service(`unlisted${f.n}`)),
  hidden: (f: Folder) => f.write('.hidden.yaml', service(`hidden${f.n}`)),
  ignoreFile: (f: Folder) => f.write('.sourceignore', '*.txt\n'),
  notes: (f: Folder) => f.write('README.md', 'notes\n'),
};

export type Feature = keyof typeof FEATURES;

/** By these a build fails, or takes ten times as long; they are taken more rarely. */
const RARE = new Set<string>([
  ...['missingFile', 'missingDeep', 'missingComponent', 'fileAsFolder', 'remote', 'twoFiles'],
  ...['validator', 'bases', 'openapi'],
]);
const COMMON = Object.keys(FEATURES).filter((name) => !RARE.has(name)) as Feature[];

const feature = fc.oneof(
  { weight: 200, arbitrary: fc.constantFrom(...COMMON) },
  { weight: 2, arbitrary: fc.constantFrom(...([...RARE] as Feature[])) },
);

/** One plan per folder of {@link FOLDERS}, in their order; fewer where the array is shorter. */
export const plans: fc.Arbitrary<FolderPlan[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('overlay', 'overlay', 'overlay', 'scanned', 'component'),
    fileName: fc.constantFrom(...KUSTOMIZATION_NAMES),
    features: fc.uniqueArray(feature, { maxLength: 6 }),
    refs: fc.uniqueArray(fc.nat(3), { maxLength: 2 }),
  }),
  { minLength: 1, maxLength: FOLDERS.length, size: 'max' },
);

/** The artifact of such plans. */
export function filesOf(planned: readonly FolderPlan[]): Files {
  const files: Files = {
    [`${ELSEWHERE}/config.yaml`]: configMap('elsewhere'),
    [`${ELSEWHERE}/notes/today.md`]: 'nothing\n',
  };
  for (const [n, plan] of planned.entries()) {
    const folder = openFolder(files, n);
    folder.add('resources', folder.write('deployment.yaml', deployment(`d${n}`)));
    for (const name of plan.features) FEATURES[name](folder);
    for (const back of plan.refs) {
      const ref = n - 1 - back;
      const target = FOLDERS[ref];
      const kind = planned[ref]?.kind;
      // A folder that contains this folder, or that has no kustomization file, can't be a base.
      if (target === undefined || kind === 'scanned' || folder.path.startsWith(target)) continue;
      const field = kind === 'component' ? 'components' : 'resources';
      folder.add(field, posix.relative(folder.path, target));
    }
    if (plan.kind === 'scanned') continue;
    if (plan.kind === 'component') folder.set('kind', 'Component');
    if (plan.kind === 'component') folder.set('apiVersion', 'kustomize.config.k8s.io/v1alpha1');
    folder.write(plan.fileName, JSON.stringify(folder.kustomization, null, 1));
  }
  return files;
}

/** A folder while its features are put into it. */
interface Folder {
  path: string;
  n: number;
  kustomization: Record<string, unknown>;
  /** Adds an item to a list of the kustomization file. */
  add(field: string, item: unknown): void;
  set(field: string, value: unknown): void;
  /** Writes a file into the folder, and returns its path relative to the folder. */
  write(name: string, content: string): string;
  /** Writes a file that several folders use, and returns its path relative to this folder. */
  shared(name: string, content: string): string;
}

function openFolder(files: Files, n: number): Folder {
  const path = FOLDERS[n % FOLDERS.length] ?? '';
  const kustomization: Record<string, unknown> = {};
  return {
    ...{ path, n, kustomization },
    add(field, item) {
      const list = (kustomization[field] ?? []) as unknown[];
      kustomization[field] = [...list, item];
    },
    set(field, value) {
      kustomization[field] = value;
    },
    write(name, content) {
      files[posix.join(path, name)] = content;
      return name;
    },
    shared(name, content) {
      files[posix.join('shared', name)] = content;
      return posix.relative(path, posix.join('shared', name));
    },
  };
}

export function configMap(name: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {a: b}\n`;
}

export function service(name: string): string {
  return `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {ports: [{port: 80}]}\n`;
}

function deployment(name: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, labels: {app: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'image:1', envFrom: [{configMapRef: {name: literals0}}]}]}
`;
}

function widget(name: string): string {
  return `apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: ${name}}\nspec: {image: 'image:1', parts: [{name: a, size: 1}]}\n`;
}

function patch(spec: string, name = 'any'): string {
  return `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ${name}}\nspec: {${spec}}\n`;
}

function prefixer(prefix: string): string {
  return `apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: prefixer}\nprefix: ${prefix}\nfieldSpecs: [{path: metadata/name}]\n`;
}

function replacement(n: number): object {
  return {
    source: { kind: 'Deployment', name: `d${n}`, fieldPath: 'metadata.name' },
    targets: [
      {
        select: { kind: 'Deployment' },
        fieldPaths: ['metadata.annotations.first'],
        options: { create: true },
      },
    ],
  };
}

/** An OpenAPI document about Widget, for `openapi` as well as for `crds`. */
const SCHEMA = JSON.stringify({
  definitions: {
    'v1.Widget': {
      properties: {
        spec: {
          properties: {
            parts: {
              type: 'array',
              items: { type: 'object' },
              'x-kubernetes-patch-merge-key': 'name',
              'x-kubernetes-patch-strategy': 'merge',
            },
          },
        },
      },
      'x-kubernetes-group-version-kind': [{ group: 'example.com', version: 'v1', kind: 'Widget' }],
    },
  },
});
