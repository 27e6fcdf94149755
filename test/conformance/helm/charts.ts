// The charts of the fixtures: folders below `charts`, served as a Helm repository of each fixture, or committed to Git.
import { globSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChartRepository, FileChange } from '@weir/cluster';
import { tarGz } from '@weir/oci/testing';
import { parse } from 'yaml';
import type { Files } from './fixture.ts';

const FOLDER = join(import.meta.dirname, 'charts');

interface Chart {
  name: string;
  version: string;
  meta: Record<string, unknown>;
  /** The texts by path. */
  files: Map<string, string>;
}

/** Reads a chart for a fixture, whose namespace stands for `%ns%`. */
async function loadChart(id: string, namespace: string): Promise<Chart> {
  const folder = join(FOLDER, id);
  const files = new Map<string, string>();
  for (const path of globSync('**', { cwd: folder }).sort()) {
    const full = join(folder, path);
    if (!(await stat(full)).isFile()) continue;
    files.set(path, (await readFile(full, 'utf8')).replaceAll('%ns%', namespace));
  }
  const meta = parse(files.get('Chart.yaml') ?? '') as Chart['meta'] | null;
  if (meta === null) throw new Error(`there is no chart ${id}`);
  return { name: String(meta.name), version: String(meta.version), meta, files };
}

function packageOf({ name, files }: Chart): Buffer {
  return tarGz([...files].map(([path, content]) => ({ path: `${name}/${path}`, content })));
}

export interface PublishedCharts {
  url: string;
  /** Adds charts to the repository. */
  publish(ids: readonly string[]): Promise<void>;
}

/** The Helm repository of a fixture on a server that all share. */
export function publishedCharts(server: ChartRepository, namespace: string): PublishedCharts {
  const entries: Record<string, object[]> = {};
  return {
    url: `${server.url}/${namespace}`,
    async publish(ids) {
      for (const id of ids) {
        const chart = await loadChart(id, namespace);
        const file = `${chart.name}-${chart.version}.tgz`;
        server.put(`/${namespace}/${file}`, packageOf(chart));
        const entry = { ...chart.meta, created: '2024-01-01T00:00:00Z', urls: [file] };
        entries[chart.name] = [...(entries[chart.name] ?? []), entry];
      }
      const index = { apiVersion: 'v1', generated: '2024-01-01T00:00:00Z', entries };
      // JSON is YAML.
      server.put(`/${namespace}/index.yaml`, JSON.stringify(index));
    },
  };
}

/** The files to commit, with those of the charts that are named. */
export async function committedFiles(
  files: Files,
  namespace: string,
): Promise<Record<string, FileChange>> {
  const found: Record<string, FileChange> = {};
  for (const [path, file] of Object.entries(files)) {
    if (file === null || typeof file === 'string') {
      found[path] = file;
    } else if ('package' in file) {
      found[path] = packageOf(await loadChart(file.package, namespace));
    } else {
      const chart = await loadChart(file.chart, namespace);
      for (const [below, text] of chart.files) found[`${path}/${below}`] = text;
    }
  }
  return found;
}
