// Installs N apps of one repository in an empty cluster.
import type { FleetScenario } from '../scenario.ts';

export const install: FleetScenario = {
  kind: 'fleet',
  name: 'install',
  about: 'N apps come into an empty cluster',
  sizes: (asked) => [...asked],
  run: async (_, { installed }) => [installed],
};
