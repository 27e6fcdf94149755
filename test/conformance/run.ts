// `npm run conformance`: plays every fixture against Weir and compares the result with the recorded one of Flux.
// `npm run conformance -- --record`: plays the fixtures against Flux's controllers and records the results.
import { join } from 'node:path';
import { checkAll } from './check.ts';
import { type Fixture, loadFixtures } from './fixture.ts';
import { recordings } from './golden.ts';
import { recordAll } from './record.ts';
import { print, runSuite } from './suite.ts';

const FIXTURES_DIR = join(import.meta.dirname, 'fixtures');
let fixtures: Fixture[] = [];

process.exitCode = await runSuite({
  command: 'npm run conformance',
  async load(only) {
    fixtures = await loadFixtures({ dir: FIXTURES_DIR, only });
    return fixtures.map(({ id }) => id);
  },
  record: (playing) => recordAll(fixtures, playing, print),
  check: (playing, each) => checkAll(fixtures, playing, each),
  recordings,
});
