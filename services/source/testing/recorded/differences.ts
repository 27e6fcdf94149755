// Where Weir says more than Flux on purpose in the recorded cases; all else is the same.
import type { Expect } from './play.ts';

export interface Difference {
  /** The heading in docs/compatibility.md under which the reason is stated. */
  heading: string;
  /** Weir's messages in place of Flux's, by the names of cases. */
  messages: Record<string, Expect>;
}

export const DIFFERENCES: readonly Difference[] = [
  {
    heading: 'Failures name their cause, and quote no stranger',
    messages: {
      'oci-semver-nomatch': (message) =>
        message.replace(/>=3\.0\.0$/, '>=3.0.0 (the highest versions are 2.0.0, 1.0.0)'),
      'hc-missing-version': (message) =>
        message.replace(
          / found$/,
          ' found (the highest versions are 2.1.0-rc.1, 2.0.0, 1.2.0, 1.1.0, 1.0.0)',
        ),
      'hc-prerelease-only': (message) =>
        message.replace(
          / found$/,
          ' found (the highest versions are 1.0.0-alpha.2, 1.0.0-alpha.1)',
        ),
    },
  },
];

/** How Flux's messages of a case read in Weir. */
export function expectationOf(name: string): Expect {
  const found = DIFFERENCES.flatMap(({ messages }) => messages[name] ?? [])[0];
  return found ?? ((message) => message);
}
