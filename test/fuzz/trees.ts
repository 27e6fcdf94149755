// Folders of files whose contents name each other, and things that are nowhere they may look.
import fc from 'fast-check';
import { mutatedText } from './mutate.ts';

/** Where files of the machine are whose contents must not get into anything. */
export interface Outside {
  /** A file outside of the artifact. */
  file: string;
  /** What it contains. */
  canary: string;
}

export const OUTSIDE: Outside = {
  file: '/tmp/weir-fuzz-outside/secret.yaml',
  canary: 'canary-outside-of-the-artifact',
};

/** Paths and words that a hostile author puts in. */
export const HOSTILE = [
  ...['..', '../..', '../../../../../../../..', '.', '/', '', '~', 'base', 'part', 'missing'],
  ...[OUTSIDE.file, `../../../../../../../..${OUTSIDE.file}`, '/etc/passwd', '/proc/self/environ'],
  ...['/dev/zero', '/proc/self/fd/0', 'file:///etc/passwd', 'http://127.0.0.1:1/x.yaml'],
  ...['https://127.0.0.1:1/x?ref=v1', 'git::https://127.0.0.1:1/x', 'ssh://-oProxyCommand=x/y'],
  ...[
    '&a [*a, *a]',
    '*a',
    '!!binary x',
    '{{ . }}',
    '$' + '{a}',
    '$(a)',
    '\t',
    '---\n',
    '\0',
    'null',
    '[]',
    '{}',
  ],
  ...['1e999', '0x7fffffffffffffff', '.inf', 'yes', '"\\u0000"', '<<: *a', '? x', '- '.repeat(50)],
];

export const CONFIG_MAP =
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\ndata: {k: v}\n';
const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {a: b}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: 'nginx:1'}]}}
`;

const KUSTOMIZATIONS = [
  'resources: [cm.yaml, ../base]\nnamePrefix: x-\n',
  'resources: [cm.yaml]\npatches:\n- path: patch.yaml\n- target: {kind: Deployment}\n  patch: |-\n    - {op: add, path: /metadata/labels/x, value: y}\n',
  'resources: [cm.yaml]\nconfigMapGenerator:\n- name: g\n  files: [k=cm.yaml, other.txt]\n  envs: [other.txt]\n  literals: [a=b]\n',
  'resources: [cm.yaml]\nreplacements:\n- source: {kind: ConfigMap, name: a, fieldPath: data.k}\n  targets:\n  - select: {kind: ConfigMap}\n    fieldPaths: [metadata.annotations.x]\n    options: {create: true}\n',
  'resources: [cm.yaml]\ncomponents: [../part]\nimages: [{name: nginx, newTag: "2"}]\nreplicas: [{name: web, count: 3}]\nopenapi: {path: schema.json}\ncrds: [crd.json]\n',
  'resources: [../base, ../part, cm.yaml]\nvars: [{name: V, objref: {kind: ConfigMap, name: a, apiVersion: v1}}]\nlabels: [{pairs: {a: b}, includeSelectors: true}]\n',
  'helmCharts: [{name: x, repo: "http://127.0.0.1:1", version: "1"}]\ngenerators: [cm.yaml]\ntransformers: [cm.yaml]\nvalidators: [cm.yaml]\n',
  'resources: [cm.yaml]\nbases: [../base]\nsecretGenerator: [{name: s, envs: [other.txt], type: Opaque}]\nconfigurations: [cm.yaml]\nbuildMetadata: [originAnnotations]\n',
];

const manifest = mutatedText([CONFIG_MAP, DEPLOYMENT, `${CONFIG_MAP}---\n${DEPLOYMENT}`], HOSTILE);
const kustomization = mutatedText(KUSTOMIZATIONS, HOSTILE);
const any = fc.oneof(manifest, kustomization, fc.constantFrom('a=b\nc=d\n', '{}', '[', '', '\0'));

/** Contents by path; `LINK` and a target for a symbolic link. */
export type Tree = Record<string, string>;

export const trees: fc.Arbitrary<Tree> = fc
  .record({
    'app/kustomization.yaml': kustomization,
    'app/cm.yaml': manifest,
    'app/patch.yaml': manifest,
    'app/other.txt': any,
    'app/schema.json': any,
    'app/crd.json': any,
    'base/kustomization.yaml': fc.oneof(kustomization, fc.constant('resources: [cm.yaml]\n')),
    'base/cm.yaml': manifest,
    'part/kustomization.yaml': fc.oneof(
      fc.constant('kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\n'),
      kustomization,
    ),
  })
  .map((tree) => tree as Tree);
