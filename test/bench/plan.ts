// Which scenarios run on which ground.
import { type Options, PEERS_UP_TO } from './options.ts';
import type { FleetScenario, OwnScenario, Scenario } from './scenario.ts';
import type { System } from './system.ts';

/** What runs on one ground: a scenario of its own, or several on the same apps. */
export type Leg = { apps: number } & (
  | { kind: 'own'; scenario: OwnScenario }
  | { kind: 'fleet'; scenarios: FleetScenario[] }
);

/** The legs that each system goes through, by their number of apps. */
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

/** Whether a system goes through a leg: peers are left out where they would take hours, unless asked for. */
export function takesPart(system: System, leg: Leg, options: Pick<Options, 'allSizes'>): boolean {
  return system.name === 'weir' || leg.apps <= PEERS_UP_TO || options.allSizes;
}
