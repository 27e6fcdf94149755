// The figures of a measurement by which systems are compared.
import { requestsOf, totalOf, writesOf } from '../measure/requests.ts';
import type { Measurement } from '../measurement.ts';
import type { Results } from '../results.ts';
import { quantile } from '../statistics.ts';

export type Unit = 's' | 'requests' | 'CPU s' | 'MiB';

export interface Figure {
  /** Unique within a measurement; systems are compared by it. */
  name: string;
  unit: Unit;
  value: number;
}

/** A high quantile is only given for at least this many values. */
const MANY = 20;
const MIB = 1024 ** 2;

/** The medians of the times, in seconds, and the costs of one `measurement.unit`. `clients` are the system's own. */
export function figuresOf(measurement: Measurement, clients: readonly string[]): Figure[] {
  const { count, spent } = measurement;
  const own = requestsOf(spent.requests, clients);
  const others = Object.keys(spent.requests).filter((client) => client !== 'bench');
  const all = requestsOf(spent.requests, others);
  const processes = Object.entries(spent.processes);
  const system = processes.filter(([name]) => !CONTROL_PLANE.includes(name));
  const services = system.filter(([name]) => name !== NATS);
  const nats = spent.processes[NATS];
  const cpu = (name: string) => (spent.processes[name]?.cpuSeconds ?? 0) / count;
  return [
    ...timesOf(measurement),
    { name: 'its requests', unit: 'requests', value: totalOf(own) / count },
    { name: 'of these writes', unit: 'requests', value: writesOf(own) / count },
    { name: 'requests of all clients', unit: 'requests', value: totalOf(all) / count },
    { name: 'its CPU', unit: 'CPU s', value: sum(system.map(([, use]) => use.cpuSeconds)) / count },
    { name: 'CPU of kube-apiserver', unit: 'CPU s', value: cpu('kube-apiserver') },
    { name: 'CPU of etcd', unit: 'CPU s', value: cpu('etcd') },
    { name: 'its memory', unit: 'MiB', value: spent.memoryBytes / MIB },
    {
      name: 'its processes, each for itself',
      unit: 'MiB',
      value: sum(services.map(([, use]) => use.peakBytes)) / MIB,
    },
    ...(nats
      ? [{ name: 'memory of NATS', unit: 'MiB' as const, value: nats.peakBytes / MIB }]
      : []),
  ];
}

/** The processes that every system is measured with. NATS is not among them, because only Weir uses it. */
const CONTROL_PLANE = ['etcd', 'kube-apiserver', 'kube-controller-manager'];
const NATS = 'nats-server';

function timesOf({ times }: Measurement): Figure[] {
  return Object.entries(times).flatMap(([name, values]): Figure[] => {
    const at = (q: number) => quantile(values, q) / 1_000;
    if (values.length < MANY) return [{ name, unit: 's', value: at(0.5) }];
    return [
      { name: `${name}, p50`, unit: 's', value: at(0.5) },
      { name: `${name}, p99`, unit: 's', value: at(0.99) },
    ];
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** A row of the comparison: one figure with its value for each system. */
export interface Row {
  apps: number;
  /** Id and name of the measurement. */
  id: string;
  measurement: string;
  figure: string;
  unit: Unit;
  /** The values by system. */
  values: Record<string, number>;
}

/** All figures of all systems, in the order in which they were measured. */
export function compare({ results, clients }: Results): Row[] {
  const rows = new Map<string, Row>();
  for (const { system, measurement } of results) {
    const { id, apps, name } = measurement;
    for (const { name: figure, unit, value } of figuresOf(measurement, clients[system] ?? [])) {
      const key = JSON.stringify([apps, id, figure]);
      const row = rows.get(key) ?? { apps, id, measurement: name, figure, unit, values: {} };
      row.values[system] = value;
      rows.set(key, row);
    }
  }
  return [...rows.values()];
}
