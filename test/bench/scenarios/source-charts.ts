// Many HelmCharts of one repository whose index is large.
import { HelmChart, HelmRepository } from '@weir/api';
import { startChartRepository } from '@weir/cluster';
import { tarGz } from '@weir/oci/testing';
import { spentOn } from '../measure/window.ts';
import type { OwnScenario } from '../scenario.ts';
import { named, withServers, withSources } from '../sources.ts';

const CHARTS = 500;
const VERSIONS = 120;
/** Characters of a description: the index has some 500 bytes for each version, as those of large repositories. */
const DESCRIPTION = 300;
/** Who hasn't all charts by then is measured with those that it has. Ms. */
const WITHIN_MS = 150_000;

export const sourceCharts: OwnScenario = {
  kind: 'own',
  name: 'source-charts',
  about: `${CHARTS} HelmCharts of one HelmRepository with an index of 30 MB`,
  runs: 'sources',
  sizes: () => [CHARTS],
  run: (trial) =>
    withServers(async (own) => {
      const server = own(await startChartRepository());
      const names = Object.keys(named(CHARTS, 'chart', () => ''));
      const last = `1.${VERSIONS - 1}.0`;
      for (const name of names) {
        const content = `apiVersion: v2\nname: ${name}\nversion: ${last}\n`;
        server.put(`/${name}-${last}.tgz`, tarGz([{ path: `${name}/Chart.yaml`, content }]));
      }
      server.put('/index.yaml', indexOf(names));
      const repository = { repository: { interval: '1h', url: server.url, timeout: '60s' } };
      const sourceRef = { kind: 'HelmRepository', name: 'repository' };
      const specs = named(CHARTS, 'chart', (index) => ({
        ...{ interval: '1h', chart: `chart-${index}`, version: '>=1.0.0', sourceRef },
      }));
      const { result, spent } = await spentOn(
        trial,
        () =>
          withSources(trial, HelmRepository, repository, ({ readyMs: indexMs }) =>
            withSources(
              trial,
              HelmChart,
              specs,
              async (charts) => ({ indexMs, ...charts }),
              WITHIN_MS,
            ),
          ),
        { quietMs: 0, name: 'source-charts' },
      );
      const { indexMs, readyMs, ready } = result;
      const late = ready < CHARTS ? `, ${ready} of them Ready after ${WITHIN_MS / 1_000} s` : '';
      const times = { 'a chart': [readyMs / ready], 'the index': [indexMs] };
      return [
        {
          ...{ id: 'source-charts', name: `${sourceCharts.about}${late}`, apps: CHARTS },
          ...{ count: ready, unit: 'chart', times, spent },
        },
      ];
    }),
};

/** Charts with so many versions each, the newest first, as `helm repo index` writes them. */
function indexOf(names: readonly string[]): Buffer {
  const description = 'what this chart is about. '.repeat(DESCRIPTION / 26);
  const parts = ['apiVersion: v1\nentries:\n'];
  for (const name of names) {
    parts.push(`  ${name}:\n`);
    for (let minor = VERSIONS - 1; minor >= 0; minor--) {
      const version = `1.${minor}.0`;
      parts.push(
        `  - apiVersion: v2\n    created: "2024-01-01T00:00:00Z"\n    description: ${description}\n`,
        `    name: ${name}\n    type: application\n    urls:\n    - ${name}-${version}.tgz\n    version: ${version}\n`,
      );
    }
  }
  parts.push('generated: "2024-01-01T00:00:00Z"\n');
  return Buffer.from(parts.join(''));
}
