// Charts for tests, as files.
import type { Files } from '@weir/kit';

export interface ChartOptions {
  name?: string;
  version?: string;
  appVersion?: string;
  /** Files besides Chart.yaml, by their paths in the chart. */
  files?: Files;
}

/** A chart with one ConfigMap `<release>-cfg`, which shows the value `color`. */
export function chartFiles(options: ChartOptions = {}): Files {
  const { name = 'app', version = '1.0.0', appVersion = '1', files = {} } = options;
  const metadata = { apiVersion: 'v2', name, version, appVersion };
  const all: Files = {
    'Chart.yaml': JSON.stringify(metadata),
    'values.yaml': 'color: blue\n',
    'templates/cm.yaml': configMap('cfg', '{{ .Values.color | quote }}'),
    ...files,
  };
  return Object.fromEntries(Object.entries(all).map(([path, text]) => [`${name}/${path}`, text]));
}

/** A ConfigMap `<release>-<name>` whose key `color` has this value; annotations make it a hook. */
export function configMap(
  name: string,
  color: string,
  annotations: Record<string, string> = {},
): string {
  return [
    'apiVersion: v1',
    'kind: ConfigMap',
    'metadata:',
    `  name: {{ .Release.Name }}-${name}`,
    `  annotations: ${JSON.stringify(annotations)}`,
    'data:',
    `  color: ${color}`,
    '',
  ].join('\n');
}

/** A Deployment `<release>` whose image has no registry, so that it never gets ready with a replica. */
export function deployment(): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas | default 0 }}
  selector:
    matchLabels: { app: {{ .Release.Name }} }
  template:
    metadata:
      labels: { app: {{ .Release.Name }} }
    spec:
      nodeSelector: { nowhere: 'true' }
      containers:
        - name: main
          image: example.org/app:1
`;
}
