// HelmReleases that are handed over: each uses fields that leave traces on objects, in storage or in the status.
import type { KubeObject } from '@weir/kube';
import { objects } from './fleet.ts';

/** The namespace of sources and HelmReleases. */
export const NAMESPACE = 'flux-system';
/** The namespaces of released objects and of storage. */
export const TARGETS = ['shop', 'team', 'stored'] as const;
/** The charts that the repository serves. */
export const CHARTS = ['app-1.0.0', 'app-1.1.0', 'hooks-1.0.0', 'tests-1.0.0', 'umbrella-1.0.0'];

const API = 'helm.toolkit.fluxcd.io/v2';
const COMMON = 'interval: 1h, timeout: 30s';

/** The chart of a HelmRelease in the repository of that name. */
const chart = (repository: string, version = '1.0.0') =>
  `chart: {spec: {chart: app, version: ${version}, interval: 1h, sourceRef: {kind: HelmRepository, name: ${repository}, namespace: ${NAMESPACE}}}}`;

/** The HelmReleases that are ready; a request of these ends with Ready=True. */
export const READY = [
  'plain',
  'client-side',
  'hooked',
  'tested',
  'umbrella',
  'elsewhere',
  'rendered',
  'watched',
  'referenced',
  'tenant',
  'changing',
];
/** The HelmRelease whose upgrade has failed and was rolled back, which no system may try again. */
export const FAILED = 'failed';

/** What a user applies. `url(name)` is the URL of a Helm repository. */
export function helmFleet(url: (name: string) => string): KubeObject[] {
  const repositories = ['apps', 'hooks', 'tests', 'umbrella'].map(
    (name) => `apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: ${name}, namespace: ${NAMESPACE}}
spec: {interval: 1h, url: '${url(name)}'}
`,
  );
  return objects([...repositories, FURTHER].join('---\n'));
}

const release = (name: string, spec: string, namespace = NAMESPACE) => `apiVersion: ${API}
kind: HelmRelease
metadata: {name: ${name}, namespace: ${namespace}}
spec: {${COMMON}, ${spec}}
`;

const FURTHER = [
  `apiVersion: v1
kind: ConfigMap
metadata: {name: values, namespace: ${NAMESPACE}, labels: {reconcile.fluxcd.io/watch: Enabled}}
data: {values.yaml: '{color: green, extra: {count: 10000000}}', one: 'a,b'}
`,
  `apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmChart
metadata: {name: own, namespace: ${NAMESPACE}}
spec: {interval: 1h, chart: app, version: 1.0.0, sourceRef: {kind: HelmRepository, name: apps}}
`,
  `apiVersion: v1
kind: ServiceAccount
metadata: {name: deployer, namespace: team}
`,
  `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: deployer, namespace: team}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}
subjects: [{kind: ServiceAccount, name: deployer, namespace: team}]
`,
  release('plain', `${chart('apps')}, targetNamespace: shop, values: {replicas: 1, color: red}`),
  release(
    'client-side',
    `${chart('apps')}, targetNamespace: shop, install: {serverSideApply: false}, maxHistory: 2`,
  ),
  release('hooked', `${chart('hooks')}, targetNamespace: shop`),
  release('tested', `${chart('tests')}, targetNamespace: shop, test: {enable: true}`),
  release(
    'umbrella',
    `${chart('umbrella')}, targetNamespace: shop, values: {sub1: {enabled: true}}, dependsOn: [{name: plain}]`,
  ),
  release(
    'elsewhere',
    `${chart('apps')}, targetNamespace: shop, storageNamespace: stored, releaseName: other`,
  ),
  release(
    'rendered',
    `${chart('apps')}, targetNamespace: shop, commonMetadata: {labels: {team: shop}},
  postRenderers: [{kustomize: {images: [{name: example.org/app, newTag: '2'}]}}],
  driftDetection: {mode: enabled, ignore: [{paths: [/spec/replicas], target: {kind: Deployment}}]}`,
  ),
  release(
    'watched',
    `${chart('apps')}, targetNamespace: shop, valuesFrom: [{kind: ConfigMap, name: values},
  {kind: ConfigMap, name: values, valuesKey: one, targetPath: extra.one, literal: true}]`,
  ),
  release('referenced', 'chartRef: {kind: HelmChart, name: own}, targetNamespace: shop'),
  release(
    'tenant',
    `${chart('apps')}, targetNamespace: team, storageNamespace: team, serviceAccountName: deployer`,
    'team',
  ),
  release(
    FAILED,
    `${chart('apps')}, targetNamespace: shop, timeout: 6s, upgrade: {remediation: {retries: 1}}`,
  ),
  release('changing', `${chart('apps')}, targetNamespace: shop, values: {color: first}`),
].join('---\n');

/** A change by hand after the install, which a release with drift detection ignores. */
export const SCALED = { name: 'shop-rendered', replicas: 2 };
