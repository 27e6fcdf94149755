// The differences from Flux are few, and each is explained to users: those in recorded cases, and those that no case shows.
import { deepEqual, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { type CompatibilitySection, compatibilitySections } from '@weir/kit';
import { caseNames } from './case.ts';
import { DIFFERENCES } from './differences.ts';

/** More of them would make another API of it. */
const MAX_DIFFERENCES = 6;

/** Sections of other services that only mention what a source is. */
const MENTIONS = new Set([
  // A HelmRelease creates the HelmChart and reports its errors.
  'Retries are explained, and end',
  'A chart object has one HelmRelease',
  // A commit is made with the credentials of a GitRepository.
  "Git's refusals are told without the server's words",
]);

const SOURCE =
  /\b(?:Git|OCI|Helm)Repositor(?:y|ies)\b|\bHelmCharts?\b|\bBuckets?\b|\bExternalArtifacts?\b|\bsource-controller\b|\b[Ss]ources\b/;

const isAboutSources = ({ part, concerns }: CompatibilitySection) =>
  part === 'Sources' || concerns.includes('sources');

const sections = compatibilitySections();
const headings = sections.filter(isAboutSources).map(({ heading }) => heading);

test('sources differ in six ways at most, recorded or not', () => {
  ok(headings.length > 0);
  ok(headings.length <= MAX_DIFFERENCES, headings.join('\n'));
});

test('every section that is about sources is counted', () => {
  const others = sections.filter(
    (section) =>
      section.part !== 'Additions' &&
      !isAboutSources(section) &&
      !MENTIONS.has(section.heading) &&
      SOURCE.test(section.heading + section.text),
  );
  deepEqual(
    others.map(({ heading }) => heading),
    [],
  );
});

test('what counts as no difference is off unless a field, a flag or a gate is set', () => {
  for (const { part, heading, text } of sections)
    if (part === 'Additions') match(text, /`[^`]+`/, heading);
});

test('differences in recorded cases are six at most, and documented', async () => {
  const cases = await caseNames('');
  const messages = DIFFERENCES.flatMap((it) => Object.keys(it.messages));
  ok(messages.length <= MAX_DIFFERENCES, `${messages.length} differences`);
  for (const name of messages) ok(cases.includes(name), `there is no case ${name}`);
  for (const { heading } of DIFFERENCES) ok(headings.includes(heading), heading);
});
