/** A small application as files of a repository. Its kinds are applied in two stages. */
export interface AppOptions {
  name?: string;
  namespace: string;
  replicas?: number;
  greeting?: string;
  image?: string;
}

/** The manifests of a ServiceAccount, ConfigMap, Service and Deployment in `folder`. The Namespace is not among them. */
export function appFiles(folder: string, options: AppOptions): Record<string, string> {
  const { name = 'app', namespace, replicas = 1, greeting = 'hello', image = 'app:1' } = options;
  const meta = `metadata:\n  name: ${name}\n  namespace: ${namespace}\n`;
  return {
    [`${folder}/account.yaml`]: `apiVersion: v1\nkind: ServiceAccount\n${meta}`,
    [`${folder}/config.yaml`]: `apiVersion: v1\nkind: ConfigMap\n${meta}data:\n  greeting: ${greeting}\n`,
    [`${folder}/service.yaml`]: `apiVersion: v1
kind: Service
${meta}spec:
  selector: {app: ${name}}
  ports: [{port: 80}]
`,
    [`${folder}/deployment.yaml`]: `apiVersion: apps/v1
kind: Deployment
${meta}spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      serviceAccountName: ${name}
      containers: [{name: app, image: '${image}'}]
`,
  };
}
