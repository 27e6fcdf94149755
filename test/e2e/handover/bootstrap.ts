// A repository as `flux bootstrap` leaves it: Flux's own Deployments and the objects that apply them, beside the platform's own.

/** The folder that a bootstrap writes. */
const FOLDER = 'clusters/production/flux-system';

/** The controllers of Flux that run in the test, by the name of their Deployment. */
export const CONTROLLERS = ['source-controller', 'kustomize-controller'] as const;
export type Controller = (typeof CONTROLLERS)[number];

const deployment = (name: Controller) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: flux-system, labels: {app.kubernetes.io/part-of: flux}}
spec:
  replicas: 1
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: manager, image: 'ghcr.io/fluxcd/${name}:v1'}]}
`;

/** The objects that a bootstrap creates in the cluster and keeps in the repository. */
export const sync = (url: string) => `apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 1m0s, ref: {branch: main}, url: ${url}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec:
  interval: 10m0s
  path: ./clusters/production
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
`;

/** The first commits of the repository. */
export const bootstrapped = (url: string): Record<string, string> => ({
  [`${FOLDER}/gotk-components.yaml`]: `apiVersion: v1
kind: Namespace
metadata: {name: flux-system}
---
${CONTROLLERS.map(deployment).join('---\n')}`,
  [`${FOLDER}/gotk-sync.yaml`]: sync(url),
  [`${FOLDER}/kustomization.yaml`]: 'resources: [gotk-components.yaml, gotk-sync.yaml]\n',
  'clusters/production/settings.yaml': settings('first'),
});

/** An object of the platform's own. */
export const settings = (value: string) => `apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: flux-system}
data: {value: ${value}}
`;

/** The change of docs/install.md that scales Flux's controllers to nothing. */
export const STOPPED: Record<string, string> = {
  [`${FOLDER}/kustomization.yaml`]: `resources: [gotk-components.yaml, gotk-sync.yaml]
patches:
  - target: { kind: Deployment, name: (source|kustomize|helm|notification|image-.*)-controller }
    patch: |
      - op: replace
        path: /spec/replicas
        value: 0
`,
};

/** The revert of that change. */
export const STARTED: Record<string, string> = {
  [`${FOLDER}/kustomization.yaml`]: 'resources: [gotk-components.yaml, gotk-sync.yaml]\n',
};
