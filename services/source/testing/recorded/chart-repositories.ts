// The chart repositories of the recorded cases, and what they hold: the same on all ports.
import { type ChartRepository, startChartRepository } from '@weir/cluster';
import { tarGz } from '@weir/oci/testing';
import { readBlob } from './blobs.ts';

/** A version of a chart with its package. */
export interface ChartSetup {
  name: string;
  version: string;
  package: { digest: string; file?: string };
  /** The content of the package, if it isn't stored. */
  contains?: Record<string, unknown>;
  /** False for a package that is missing. */
  served?: false;
}

export interface ChartRepositorySetup {
  path: string;
  charts: ChartSetup[];
  index: string;
  /** `name:password` */
  basicAuth?: string;
  status?: number;
}

export interface ChartRepositoryChange {
  addCharts?: ChartSetup[];
  chartsNow?: ChartSetup[];
  statusNow?: number;
}

export interface ChartRepositories {
  standIns: Record<string, string>;
  create(setup: ChartRepositorySetup): Promise<void>;
  change(setup: ChartRepositorySetup, change: ChartRepositoryChange): Promise<void>;
  /** The requests below a path, in the form of the recordings. */
  requests(path: string): string[];
}

/** Starts all of them; they end with the stack. */
export async function startChartRepositories(
  stack: AsyncDisposableStack,
): Promise<ChartRepositories> {
  const own = (server: ChartRepository) => stack.adopt(server, (it) => it.close());
  const plain = own(await startChartRepository());
  const second = own(await startChartRepository());
  const tls = own(await startChartRepository({ tls: true }));
  const all = [plain, second, tls];
  const login = (text: string) => {
    const [username = '', password = ''] = text.split(':');
    return { username, password };
  };

  async function serve(path: string, charts: readonly ChartSetup[], index: string) {
    for (const server of all) server.put(`${path}/index.yaml`, index);
    for (const chart of charts.filter((it) => it.served !== false)) {
      const content = await packageOf(chart);
      const name = `${path}/${chart.name}-${chart.version}.tgz`;
      for (const server of all) server.put(name, content);
    }
  }

  return {
    standIns: { HELM: plain.host, HELM2: second.host, HELMTLS: tls.host, HELMCA: tls.ca ?? '' },
    async create({ path, charts, index, basicAuth, status }) {
      await serve(path, charts, wholeIndex(index));
      for (const server of all) {
        if (basicAuth !== undefined) server.protect(`${path}/`, login(basicAuth));
        if (status !== undefined) server.answer(`${path}/`, status);
      }
    },
    async change({ path, charts }, { addCharts = [], chartsNow, statusNow }) {
      for (const server of all) if (statusNow) server.answer(`${path}/`, statusNow);
      if (chartsNow === undefined && addCharts.length === 0) return;
      const now = chartsNow ?? [...charts, ...addCharts];
      await serve(path, now, indexOf(now));
    },
    requests: (path) =>
      all.flatMap((server) =>
        server
          .requests()
          .filter((it) => it.path.startsWith(`${path}/`))
          .map(({ path: full, authorization }) => {
            const name = full.slice(path.length + 1);
            return `${name} ${authorization === undefined ? 'without' : 'with'} credentials`;
          }),
      ),
  };
}

const LARGE = /^apiVersion: v1, no entries, then comment lines up to (\d+) bytes$/;

/** One index is described rather than stored. */
function wholeIndex(text: string): string {
  const size = Number(LARGE.exec(text)?.[1] ?? 0);
  if (size === 0) return text;
  return 'apiVersion: v1\nentries: {}\n'.padEnd(size, `# ${'x'.repeat(997)}\n`);
}

/** An index as the recorder wrote it. */
function indexOf(charts: readonly ChartSetup[]): string {
  const names = [...new Set(charts.map(({ name }) => name))];
  const lines = names.flatMap((name) => [
    `  ${name}:`,
    ...charts.filter((it) => it.name === name).map((chart, second) => entryOf(chart, second)),
  ]);
  const head = ['apiVersion: v1', 'generated: "2024-01-01T00:00:00Z"', 'entries:'];
  return `${[...head, ...lines].join('\n')}\n`;
}

function entryOf({ name, version, package: { digest } }: ChartSetup, second: number): string {
  const entry = {
    ...{ apiVersion: 'v2', name, version, description: 'test' },
    created: `2024-01-01T00:00:0${second}Z`,
    digest: digest.replace(/^sha256:/, ''),
    urls: [`${name}-${version}.tgz`],
  };
  return `  - ${JSON.stringify(entry)}`;
}

async function packageOf(chart: ChartSetup): Promise<Buffer> {
  if (chart.package.file !== undefined) return readBlob(chart.package.digest);
  const entries = Object.entries(chart.contains ?? {}).map(([path, content]) => ({
    path,
    content:
      typeof content === 'string' ? content : generated((content as { bytes: number }).bytes),
  }));
  return tarGz(entries);
}

/** Text that hardly compresses, always the same. */
function generated(bytes: number): string {
  let state = 1;
  const parts: string[] = [];
  for (let length = 0; length < bytes; length += 6) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    parts.push(state.toString(36).padStart(6, '0').slice(-6));
  }
  return parts.join('').slice(0, bytes);
}
