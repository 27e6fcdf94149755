// Which scenarios run in which environment.
import { type Options, PEERS_UP_TO } from './options.ts';
import type { FleetScenario, OwnScenario, Scenario } from './scenario.ts';
import type { System } from './system.ts';

/** What runs in one environment: a single scenario, or several scenarios on the same apps. */
export type Leg = { apps: number } & (
  | { kind: 'own'; scenario: OwnScenario }
  | { kind: 'fleet'; scenarios: FleetScenario[] }
);

/** The legs that each system is measured in, by their number of apps. */
export function planLegs(scenarios: readonly Scenario[], apps: readonly number[]): Leg[] {
  const fleets = new Map<number, FleetScenario[]>();
  const own: Leg[] = [];
  for (const scenario of scenarios) {
    for (const size of new Set(scenario.sizes(apps))) {
      if (scenario.kind === 'own') own.push({ kind: 'own', apps: size, scenario });
      else fleets.set(size, [...(fleets.get(size) ?? []), scenario]);
    }
  }
  const shared = [...fleets].map(([size, list]): Leg => {
    return { kind: 'fleet', apps: size, scenarios: list };
  });
  return [...own, ...shared].toSorted((a, b) => a.apps - b.apps);
}

/** Whether a system is measured in a leg. Peers are left out where they would take hours, unless `allSizes` is set. */
export function takesPart(system: System, leg: Leg, options: Pick<Options, 'allSizes'>): boolean {
  return system.name === 'weir' || leg.apps <= PEERS_UP_TO || options.allSizes;
}
