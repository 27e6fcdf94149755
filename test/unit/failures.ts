// Finds the tests that failed in the output of Nx, which runs the tests of many packages at a time and begins each line with
// the name of its package. At the end Nx names the packages that failed, and no test.
import { stripVTControlCharacters } from 'node:util';

/** The longest that is kept of what one package says about its failing tests. */
const MAX_LINES = 400;
/** How much is kept of what a package said last, for one that fails without a list of failing tests, such as by `go vet`. */
const LAST_LINES = 40;

const LINE = /^(@\S+?): (.*)$/;
/** The heading under which the reporter "spec" of node:test describes the failing tests of a package. */
const HEADING = /^\S+ failing tests:$/;
/** A task in the list of Nx. */
const FAILED_TASK = /^- (@[^\s:]+):\S+$/;

export interface Failures {
  /** Takes the next line of the standard output or the standard error of Nx. */
  line(text: string): void;
  /** What failed, one line an element: the descriptions by package, and a list of all failing tests. Empty if nothing failed. */
  report(): string[];
}

/** What is known of a package. */
interface Output {
  /** The lines under the heading, with the colours that they came in; undefined until the heading came. */
  failing?: string[];
  omitted: number;
  last: string[];
}

/** Collects from lines what failed. Keeps 440 lines a package at most. */
export function collectFailures(): Failures {
  const outputs = new Map<string, Output>();
  const failed = new Set<string>();
  let inTaskList = false;

  const outputOf = (project: string): Output => {
    const known = outputs.get(project) ?? { omitted: 0, last: [] };
    outputs.set(project, known);
    return known;
  };
  const report = (): string[] => {
    const projects = [...new Set([...failed, ...withFailingTests(outputs)])];
    if (projects.length === 0) return [];
    const described = projects.flatMap((project) => describe(project, outputOf(project)));
    const list = projects.flatMap((project) => titles(project, outputOf(project)));
    return [...described, '', 'Failed:', ...list];
  };
  return {
    line: (text) => {
      const plain = stripVTControlCharacters(text);
      const [, project, rest] = LINE.exec(plain) ?? [];
      if (project !== undefined && rest !== undefined) {
        keep(outputOf(project), rest, LINE.exec(text)?.[2] ?? rest);
        return;
      }
      if (plain.trim() === 'Failed tasks:') inTaskList = true;
      const task = FAILED_TASK.exec(plain.trim())?.[1];
      if (inTaskList && task !== undefined) failed.add(task);
    },
    report,
  };
}

/** Takes a line of a package, without its name: `plain` is the line without colours. */
function keep(output: Output, plain: string, line: string): void {
  output.last.push(line);
  if (output.last.length > LAST_LINES) output.last.shift();
  // npm writes these lines between those of the tests, on a stream of its own.
  if (plain.startsWith('npm error')) return;
  if (output.failing === undefined) {
    if (HEADING.test(plain)) output.failing = [];
    return;
  }
  if (output.failing.length < MAX_LINES) output.failing.push(line);
  else output.omitted++;
}

function withFailingTests(outputs: ReadonlyMap<string, Output>): string[] {
  return [...outputs].filter(([, { failing }]) => failing !== undefined).map(([name]) => name);
}

function describe(project: string, { failing, omitted, last }: Output): string[] {
  if (failing === undefined) return ['', `${project} failed. It said last:`, ...last];
  const more = omitted > 0 ? [`... and ${omitted} more lines, in its output above`] : [];
  return ['', `${project}: failing tests:`, ...failing, ...more];
}

/** A line for each failing test: package, file and line, title. The reporter writes `test at <place>` above each title. */
function titles(project: string, { failing }: Output): string[] {
  const plain = (failing ?? []).map((line) => stripVTControlCharacters(line));
  const found = plain.flatMap((line, index) => {
    const place = /^test at (.+)$/.exec(line)?.[1];
    const title = /^\S+ (.+?)(?: \([\d.]+m?s\))?$/.exec(plain[index + 1] ?? '')?.[1];
    return place !== undefined && title !== undefined ? [`${project} ${place}: ${title}`] : [];
  });
  return found.length > 0 ? found : [`${project}: see above`];
}
