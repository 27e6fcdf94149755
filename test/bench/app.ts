// The app of the benchmark: ServiceAccount, Service, Deployment without replicas, Ingress.
import { Deployment, type KubeObject, type ResourceType, ServiceAccount } from '@weir/kube';

const Service: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  namespaced: true,
};
const Ingress: ResourceType = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  namespaced: true,
};

/** The kinds of the app's objects. Each object has the app's name. */
export const APP_KINDS = { ServiceAccount, Service, Deployment, Ingress };
export type AppKind = keyof typeof APP_KINDS;

export interface AppOptions {
  name: string;
  namespace: string;
  /** The tag of the image. Commits change it. */
  version: string;
  /** 0 unless given. The cluster has no nodes, so an app with replicas never becomes healthy. */
  replicas?: number;
}

/** The app's files, in a folder with the app's name. */
export function appFiles(options: AppOptions): Record<string, string> {
  const { name, namespace, version, replicas = 0 } = options;
  const meta = `metadata:
  name: ${name}
  namespace: ${namespace}
`;
  return {
    [`${name}/account.yaml`]: `apiVersion: v1
kind: ServiceAccount
${meta}  annotations: {example.com/team: bench}
`,
    [`${name}/service.yaml`]: `apiVersion: v1
kind: Service
${meta}spec:
  selector: {app: ${name}}
  ports: [{name: http, port: 80, targetPort: 8080}]
`,
    [`${name}/deployment.yaml`]: `apiVersion: apps/v1
kind: Deployment
${meta}spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      serviceAccountName: ${name}
      containers:
        - name: app
          image: ${imageOf(version)}
          ports: [{containerPort: 8080}]
          resources: {requests: {cpu: 10m, memory: 16Mi}}
`,
    [`${name}/ingress.yaml`]: `apiVersion: networking.k8s.io/v1
kind: Ingress
${meta}spec:
  rules:
    - host: ${name}.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: {service: {name: ${name}, port: {name: http}}}
`,
  };
}

export function imageOf(version: string): string {
  return `registry.example.com/app:${version}`;
}

/** The image of an app's Deployment; undefined when there is none. */
export function imageIn(deployment: KubeObject | undefined): string | undefined {
  const spec = deployment?.spec as
    | { template?: { spec?: { containers?: { image?: string }[] } } }
    | undefined;
  return spec?.template?.spec?.containers?.[0]?.image;
}
