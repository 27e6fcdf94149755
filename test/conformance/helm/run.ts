// `npm run conformance:helm`: plays each fixture of HelmReleases against Weir and compares the result with Flux's.
// With `--record` it plays them against Flux's helm-controller and records the results; with `--flux` it compares those
// with the recordings, which shows whether a fixture has the same result twice.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { print, runSuite } from '../suite.ts';
import { check, record } from './check.ts';
import { HELM_RULES } from './differences.ts';
import { fieldRows, fieldTable } from './fields.ts';
import { type HelmFixture, loadHelmFixtures } from './fixture.ts';
import { recordings } from './golden.ts';
import { runHelmSession } from './session.ts';

const README = join(import.meta.dirname, 'README.md');
const TABLE_MARK = '<!-- fields -->';
let fixtures: HelmFixture[] = [];

process.exitCode = await runSuite({
  command: 'npm run conformance:helm',
  options: {
    flux: "play against Flux's controllers and compare",
    fields: 'write the table of fields in README.md anew',
  },
  async instead(chosen) {
    if (chosen.has('fields')) await writeTable();
    return chosen.has('fields');
  },
  async load(only) {
    fixtures = await loadHelmFixtures(only);
    return fixtures.map(({ name }) => name);
  },
  async record(playing) {
    const failed: string[] = [];
    await runHelmSession({
      ...{ ...playing, fixtures, system: 'flux' },
      async each(fixture, environment) {
        try {
          await record(fixture, environment);
          print(`recorded ${fixture.name}`);
        } catch (error) {
          failed.push(fixture.name);
          print(`FAILED ${fixture.name}: ${String(error)}`);
        }
      },
    });
    return failed;
  },
  check: (playing, each, chosen) =>
    runHelmSession({
      ...{ ...playing, fixtures, system: chosen.has('flux') ? 'flux' : 'weir' },
      async each(fixture, environment) {
        each(await check(fixture, environment, chosen.has('flux') ? [] : HELM_RULES));
      },
    }),
  recordings,
});

async function writeTable(): Promise<void> {
  const [head] = (await readFile(README, 'utf8')).split(TABLE_MARK);
  await writeFile(README, `${head}${TABLE_MARK}\n\n${fieldTable(await fieldRows())}\n`);
}
