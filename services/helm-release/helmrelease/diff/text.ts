// A pending change as text for a person.
import type { ObjectChange } from './objects.ts';
import type { PendingChange } from './pending.ts';

export function describePending(pending: PendingChange): string {
  const { values, changes, unchanged, problems, notes } = pending;
  const count = (wanted: ObjectChange['change']) =>
    changes.filter(({ change }) => change === wanted).length;
  const sections = [
    headline(pending),
    ...problems.map((problem) => `It would fail: ${problem}\n`),
    ...notes.map((note) => `Note: ${note}\n`),
    values.length === 0 ? 'No values.\n' : `Values, and what set them:\n${valueLines(values)}`,
    ...changes.map(changeText),
    `${count('created')} created, ${count('changed')} changed, ${count('deleted')} deleted, ${unchanged} the same\n`,
  ];
  return sections.join('\n');
}

function headline({ object, release, from, to, state }: PendingChange): string {
  const name = `HelmRelease ${object.namespace}/${object.name}`;
  const where = `release ${release.namespace}/${release.name}`;
  const why = state.reason === '' ? state.name : `${state.name}, ${state.reason}`;
  if (from === undefined) {
    return `${name}: would install ${where} with chart ${to.chart} (${why})\n`;
  }
  const chart = from.chart === to.chart ? to.chart : `${from.chart} -> ${to.chart}`;
  return state.name === 'InSync'
    ? `${name}: ${where} is as the spec says, version ${from.version} with chart ${chart}\n`
    : `${name}: would upgrade ${where} from version ${from.version} to ${to.version}, chart ${chart} (${why})\n`;
}

function valueLines(values: PendingChange['values']): string {
  return values.map(({ path, value, origin }) => `  ${path}: ${value}  # ${origin}\n`).join('');
}

function changeText({ subject, hook, change, lines }: ObjectChange): string {
  const what = hook ? `hook ${subject}` : subject;
  return `${what} ${change}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}
