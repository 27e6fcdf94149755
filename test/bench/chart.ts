// The chart of the benchmark: the app's four objects as templates, in a Helm repository that the benchmark serves.
import { type ChartRepository, startChartRepository } from '@weir/cluster';
import { tarGz } from '@weir/oci/testing';
import { appFiles } from './app.ts';

export const CHART = 'app';

/** Each release gets the objects of an app with its name. The image has the value `tag`, or the chart's version. */
export function chartFiles(version: string): Record<string, string> {
  const files = appFiles({
    name: '{{ .Release.Name }}',
    namespace: '{{ .Release.Namespace }}',
    version: '{{ .Values.tag | default .Chart.Version }}',
  });
  const templates = Object.entries(files).map(
    ([path, text]) => [path.replace(/^.*\//, `${CHART}/templates/`), text] as const,
  );
  return {
    [`${CHART}/Chart.yaml`]: `apiVersion: v2\nname: ${CHART}\nversion: ${version}\n`,
    ...Object.fromEntries(templates),
  };
}

export interface PublishedChart {
  /** The URL of the repository. */
  url: string;
  /** Adds a version of the chart. */
  publish(version: string): void;
  close(): Promise<void>;
}

export async function serveChart(): Promise<PublishedChart> {
  const server: ChartRepository = await startChartRepository();
  const created = '2024-01-01T00:00:00Z';
  const versions: object[] = [];
  return {
    url: server.url,
    publish(version) {
      const file = `${CHART}-${version}.tgz`;
      const entries = Object.entries(chartFiles(version));
      server.put(`/${file}`, tarGz(entries.map(([path, content]) => ({ path, content }))));
      versions.push({ apiVersion: 'v2', name: CHART, version, created, urls: [file] });
      const index = { apiVersion: 'v1', generated: created, entries: { [CHART]: versions } };
      // JSON is YAML.
      server.put('/index.yaml', JSON.stringify(index));
    },
    close: () => server.close(),
  };
}
