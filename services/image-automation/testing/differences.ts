// Where Weir does or says something else than Flux on purpose in the recorded cases; all else is the same.

/** What one of Flux's messages is in Weir. An event whose message becomes empty isn't there. */
export type Expect = (message: string) => string;

export interface Difference {
  /** The heading in docs/compatibility.md under which the reason is stated. */
  heading: string;
  /** What becomes of Flux's messages, by the names of cases. */
  messages?: Record<string, Expect>;
  /** Cases in which Weir writes other files. */
  files?: readonly string[];
  /** Cases whose whole result is another one: each has a test of its own. */
  replaced?: readonly { name: string; test: string; title: string }[];
  /** Events that need not be there, in any case. */
  mayMiss?: RegExp;
}

const withoutHttp: Expect = (message) => message.replace(/; Get "http:.*$/, '');

export const DIFFERENCES: readonly Difference[] = [
  {
    heading: "Troubles of a registry are told in Weir's words",
    messages: {
      'ir-auth-token': (message) =>
        message.replace(
          /\/token\?\S+: (unexpected status code 401 Unauthorized): .*$/,
          '/token: $1',
        ),
      'ir-insecure': withoutHttp,
      'ir-missing': (message) =>
        withoutHttp(message)
          .replace(/dial tcp [0-9.:]+:/, 'dial tcp:')
          .replace(/invalid character '<'.*$/, 'GET <url>: the list is no JSON'),
      'ir-tls': withoutHttp,
    },
  },
  {
    heading: 'Only what happened is told and written',
    mayMiss: / DependencyNotReady: retrying in 30s/,
  },
  {
    heading: "Git's refusals are told without the server's words",
    messages: {
      'iu-auth-bad': (message) =>
        message.replace(/(authentication required): authentication required$/, '$1'),
      'iu-read-only': (message) => message.replace(/(authorization failed): read only$/, '$1'),
    },
  },
  {
    heading: 'A push that meets another one is made again at once',
    messages: {
      'iu-conflict': (message) =>
        message.replace(/.*: command error on refs\/heads\/main: failed to update ref$/, ''),
    },
  },
  {
    heading: 'A path that is not there is named as it was written',
    messages: { 'iu-path-missing': (message) => message.replace('lstat <tmp>', 'lstat ./nope') },
  },
  {
    heading: 'Marked values change and nothing else',
    files: ['iu-list', 'iu-markers'],
    replaced: [
      {
        name: 'iu-annotations-path',
        test: 'imageupdateautomation/setters/setters.test.ts',
        title: 'an annotation of kyaml means nothing',
      },
    ],
  },
];

/** How Flux's messages of a case read in Weir. */
export function expectationOf(name: string): Expect {
  const found = DIFFERENCES.flatMap(({ messages = {} }) => messages[name] ?? [])[0];
  return found ?? ((message) => message);
}

export function hasOwnFiles(name: string): boolean {
  return DIFFERENCES.some(({ files = [] }) => files.includes(name));
}

export function isReplaced(name: string): boolean {
  return DIFFERENCES.some(({ replaced = [] }) => replaced.some((it) => it.name === name));
}

/** Whether an event of Flux need not be there. */
export function mayMiss(event: string): boolean {
  return DIFFERENCES.some((it) => it.mayMiss?.test(event));
}
