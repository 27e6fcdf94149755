// results.md: the comparison as tables, then everything that was counted.
import { totalOf } from '../measure/requests.ts';
import type { Measurement } from '../measurement.ts';
import type { Results } from '../results.ts';
import { compare, type Row, type Unit } from './figures.ts';
import { growthOf } from './growth.ts';
import { formatNumber, formatRatio, formatValue } from './numbers.ts';
import { formatMachine } from './text.ts';

const MIB = 1024 ** 2;

/** The results of a run as Markdown. */
export function markdown(results: Results): string {
  const { systems, platform, machine, command } = results;
  const sizes = [...new Set(compare(results).map(({ apps }) => apps))];
  const parts = [
    `\`${command}\`, ${machine.at}`,
    formatMachine(machine).trim(),
    platform &&
      `Kubernetes ${platform.kubernetes}, kube-apiserver \`${platform.apiserver.join(' ')}\``,
    ...systems.map(({ title, version, flags }) => {
      const lines = Object.entries(flags).map(([name, list]) => `\`${[name, ...list].join(' ')}\``);
      return `${title} ${version}: ${lines.join(', ')}`;
    }),
    ...sizes.map((apps) => {
      const rows = compare(results).filter((row) => row.apps === apps);
      return `## N=${apps}\n\n${comparisonTable(results, rows)}`;
    }),
    growthTable(results),
    `## Requests, by client and verb\n\n${requestsTable(results)}`,
    `## Processes\n\n${processesTable(results)}`,
  ];
  return `${parts.filter((part) => part).join('\n\n')}\n`;
}

/** A table with a column for each system, and one for the ratio of each further system to the first. */
export function comparisonTable({ systems }: Results, rows: readonly Row[]): string {
  const [first, ...peers] = systems;
  let last = '';
  const cells = rows.map(({ id, measurement, figure, unit, values }) => {
    const title = id === last ? '' : `**${measurement}**`;
    last = id;
    const ours = first && values[first.name];
    return [
      title,
      figure,
      ...systems.map(({ name }) => formatValue(values[name], unit)),
      ...peers.map(({ name }) => formatRatio(values[name], ours)),
    ];
  });
  const ratios = peers.map(({ title }) => `${title} / ${first?.title}`);
  return table(['', '', ...systems.map(({ title }) => title), ...ratios], cells);
}

function growthTable(results: Results): string | undefined {
  const growth = growthOf(results);
  if (growth.length === 0) return undefined;
  const sizes = [...new Set(growth.flatMap(({ points }) => points.map(([apps]) => apps)))];
  const rows = growth.map(({ measurement, figure, unit, system, points, ratio, slopeKib }) => [
    measurement,
    slopeKib === undefined ? `${figure}, a Kustomization` : `${figure}, all`,
    titleOf(results, system),
    ...sizes.map((size) => {
      const value = points.find(([apps]) => apps === size)?.[1];
      return value === undefined ? '' : perOne(value, unit);
    }),
    slopeKib === undefined ? formatRatio(ratio, 1) : `${formatNumber(slopeKib)} KiB each`,
  ]);
  const titles = ['', '', 'system', ...sizes.map((size) => `N=${size}`), 'growth'];
  return `## Growth\n\n${table(titles, rows)}`;
}

/** The cost of one of many, written in thousandths of the unit. */
function perOne(value: number, unit: Unit): string {
  if (unit === 's') return `${formatNumber(value * 1_000)} ms`;
  if (unit === 'CPU s') return `${formatNumber(value * 1_000)} CPU ms`;
  return formatValue(value, unit);
}

function requestsTable(results: Results): string {
  const rows = results.results.flatMap(({ system, measurement }) =>
    Object.entries(measurement.spent.requests)
      .toSorted(([, a], [, b]) => totalOf(b) - totalOf(a))
      .map(([client, verbs]) => [
        nameOf(measurement),
        titleOf(results, system),
        client,
        formatNumber(totalOf(verbs)),
        Object.entries(verbs)
          .toSorted(([, a], [, b]) => b - a)
          .map(([verb, count]) => `${count} ${verb}`)
          .join(', '),
      ]),
  );
  return table(['', 'system', 'client', 'requests', 'by verb'], rows);
}

function processesTable(results: Results): string {
  const rows = results.results.flatMap(({ system, measurement }) =>
    Object.entries(measurement.spent.processes).map(([name, use]) => [
      nameOf(measurement),
      titleOf(results, system),
      name,
      formatNumber(use.cpuSeconds),
      formatNumber(use.peakBytes / MIB),
      formatNumber(use.childrenBytes / MIB),
    ]),
  );
  return table(['', 'system', 'process', 'CPU s', 'peak MiB', 'children MiB'], rows);
}

function nameOf({ name, apps, count, unit }: Measurement): string {
  return count === 1 ? `${name}, N=${apps}` : `${name}, N=${apps}, ${count} ${unit}s`;
}

function titleOf({ systems }: Results, name: string): string {
  return systems.find((system) => system.name === name)?.title ?? name;
}

/** Columns with these titles contain text and are aligned left. All others contain numbers. */
const TEXTS = ['', 'system', 'client', 'process', 'by verb'];

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = titles.map((title) => (TEXTS.includes(title) ? '---' : '---:'));
  return [line(titles), line(rule), ...rows.map(line)].join('\n');
}
