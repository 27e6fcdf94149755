// The objects that are handed over: a repository, and Kustomizations that use each field of build and apply that leaves
// traces on objects (labels, annotations, field managers).
import type { KubeObject } from '@weir/kube';
import { parseAllDocuments } from 'yaml';

/** The namespace of sources and Kustomizations, which is Flux's own. */
export const NAMESPACE = 'flux-system';
/** The namespaces of the applied objects. */
export const TARGETS = ['shop', 'team'] as const;

/** The kind that a definition in the repository adds. */
export const WIDGET = { apiVersion: 'example.com/v1', kind: 'Widget' };

/** The first commit. */
export const FILES: Record<string, string> = {
  'definitions/widgets.yaml': `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties: {size: {type: integer, default: 1}, color: {type: string}}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: big, namespace: shop}
spec: {color: red}
`,
  'web/kustomization.yaml': `resources: [web.yaml]
configMapGenerator: [{name: settings, literals: [greeting=hello, port=8080]}]
secretGenerator: [{name: login, literals: [password=secret]}]
`,
  'web/web.yaml': `apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      containers:
        - name: web
          image: example.com/web:1
          envFrom: [{configMapRef: {name: settings}}, {secretRef: {name: login}}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: migrate, image: 'example.com/web:1'}]
`,
  'variables/all.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: region, namespace: shop}
data: {region: '\${region}', tier: '\${tier:=silver}', token: '\${token}', literal: '$\${region}'}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: untouched
  namespace: shop
  annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}
data: {script: 'echo \${region}'}
`,
  'annotated/all.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: merged, namespace: shop, annotations: {kustomize.toolkit.fluxcd.io/ssa: Merge}}
data: {ours: 'yes'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: seeded, namespace: shop, annotations: {kustomize.toolkit.fluxcd.io/ssa: IfNotPresent}}
data: {seed: 'first'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kept, namespace: shop, annotations: {kustomize.toolkit.fluxcd.io/prune: disabled}}
data: {kept: 'yes'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: theirs, namespace: shop, annotations: {kustomize.toolkit.fluxcd.io/reconcile: disabled}}
data: {ours: 'no'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: forced, namespace: shop, annotations: {kustomize.toolkit.fluxcd.io/force: enabled}}
data: {forced: 'yes'}
---
apiVersion: v1
kind: Secret
metadata: {name: typed, namespace: shop}
stringData: {password: secret}
`,
  'scaled/all.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: scaled, namespace: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: scaled}}
  template:
    metadata: {labels: {app: scaled}}
    spec: {containers: [{name: web, image: 'example.com/web:1'}]}
`,
  'tenant/all.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: tenant}
data: {tenant: 'yes'}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [''], resources: [configmaps], verbs: [get]}]
`,
  'changing/changed.yaml': changed('first'),
  'changing/dropped.yaml': named('dropped-1'),
};

/** A ConfigMap that each commit changes. */
export function changed(value: string): string {
  return `apiVersion: v1
kind: ConfigMap
metadata: {name: changed, namespace: shop}
data: {value: ${value}}
`;
}

/** A further ConfigMap, which one commit adds and another one drops. */
export function named(name: string): string {
  return `apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, namespace: shop}
`;
}

const COMMON = 'interval: 1h, retryInterval: 1h, prune: true, timeout: 30s';
const HERE = 'sourceRef: {kind: GitRepository, name: fleet}';
const API = 'kustomize.toolkit.fluxcd.io/v1';

/** The objects that a user applies: the source and the Kustomizations. */
export function fleet(url: string): KubeObject[] {
  return objects(`apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet, namespace: ${NAMESPACE}}
spec: {interval: 1h, url: '${url}', ref: {branch: main}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cluster, namespace: ${NAMESPACE}, labels: {reconcile.fluxcd.io/watch: Enabled}}
data: {region: eu-central}
---
apiVersion: v1
kind: Secret
metadata: {name: tokens, namespace: ${NAMESPACE}}
stringData: {token: s3cr3t}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: deployer, namespace: team}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: deployer, namespace: team}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}
subjects: [{kind: ServiceAccount, name: deployer, namespace: team}]
---
apiVersion: ${API}
kind: Kustomization
metadata: {name: definitions, namespace: ${NAMESPACE}}
spec: {${COMMON}, ${HERE}, path: ./definitions, wait: true}
---
apiVersion: ${API}
kind: Kustomization
metadata: {name: web, namespace: ${NAMESPACE}}
spec:
  {${COMMON}, ${HERE}, path: ./web, wait: true, targetNamespace: shop, namePrefix: eu-, nameSuffix: -a,
   dependsOn: [{name: definitions}],
   commonMetadata: {labels: {team: shop}, annotations: {contact: shop@example.com}},
   images: [{name: example.com/web, newTag: '2'}],
   patches: [{target: {kind: Service}, patch: '[{"op": "add", "path": "/spec/ports/0/name", "value": "http"}]'}]}
---
apiVersion: ${API}
kind: Kustomization
metadata: {name: variables, namespace: ${NAMESPACE}}
spec:
  {${COMMON}, ${HERE}, path: ./variables,
   postBuild: {substitute: {tier: gold}, substituteFrom: [
     {kind: ConfigMap, name: cluster}, {kind: Secret, name: tokens}, {kind: Secret, name: none, optional: true}]}}
---
apiVersion: ${API}
kind: Kustomization
metadata: {name: annotated, namespace: ${NAMESPACE}}
spec: {${COMMON}, ${HERE}, path: ./annotated}
---
apiVersion: ${API}
kind: Kustomization
metadata: {name: scaled, namespace: ${NAMESPACE}}
spec:
  {${COMMON}, ${HERE}, path: ./scaled,
   ignore: [{target: {kind: Deployment}, paths: [/spec/replicas]}],
   healthChecks: [{apiVersion: apps/v1, kind: Deployment, name: scaled, namespace: shop}]}
---
apiVersion: ${API}
kind: Kustomization
metadata: {name: tenant, namespace: team}
spec:
  {${COMMON}, path: ./tenant, targetNamespace: team, serviceAccountName: deployer,
   sourceRef: {kind: GitRepository, name: fleet, namespace: ${NAMESPACE}}}
---
apiVersion: ${API}
kind: Kustomization
metadata: {name: changing, namespace: ${NAMESPACE}}
spec: {${COMMON}, ${HERE}, path: ./changing}
`);
}

/** Changes that other controllers and people make to the applied objects, as merge patches with their field managers. */
export const BY_OTHERS = [
  { name: 'merged', kind: 'ConfigMap', patch: { data: { added: 'by hand' } }, as: 'kubectl-edit' },
  { name: 'seeded', kind: 'ConfigMap', patch: { data: { seed: 'grown' } }, as: 'kubectl-edit' },
  { name: 'kept', kind: 'ConfigMap', patch: { data: { more: 'x' } }, as: 'some-controller' },
  { name: 'scaled', kind: 'Deployment', patch: { spec: { replicas: 3 } }, as: 'autoscaler' },
] as const;

/** Parses the objects of YAML documents. */
export function objects(text: string): KubeObject[] {
  return parseAllDocuments(text).map((document) => document.toJS() as KubeObject);
}
