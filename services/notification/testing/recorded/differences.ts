// Where Weir does something else than the real controller on purpose (docs/compatibility.md), as changes of the cases.
import type { Case, Result, VendorRequest } from './case.ts';

export interface Difference {
  about: string;
  /** Names of cases (`provider/slack/special`). */
  cases: RegExp;
  expect(result: Result, of: Case): Result;
}

const changeRequests =
  (change: (request: VendorRequest) => VendorRequest) =>
  (result: Result): Result => ({
    ...result,
    ...(result.requests === undefined ? {} : { requests: result.requests.map(change) }),
  });

const without = (isLeftOut: (request: VendorRequest) => boolean) => (result: Result) => ({
  ...result,
  requests: (result.requests ?? []).filter((request) => !isLeftOut(request)),
});

/** Changes every text of a body. */
function inTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((each) => inTexts(each, change));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, inTexts(each, change)]);
  return Object.fromEntries(entries);
}

const inBodies = (change: (text: string) => string) =>
  changeRequests((request) => ({ ...request, body: inTexts(request.body, change) }));

export const DIFFERENCES: readonly Difference[] = [
  {
    about: 'no message notifies everybody: Slack',
    cases: /^provider\/slack\/special$/,
    expect: inBodies((text) =>
      text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
    ),
  },
  {
    about: 'no message notifies everybody: Webex',
    cases: /^provider\/webex\/special$/,
    expect: inBodies((text) => text.replaceAll('<@', '<\u200b@')),
  },
  {
    about: 'no message notifies everybody: Matrix',
    cases: /^provider\/matrix\//,
    expect: changeRequests((request) => ({
      ...request,
      body: { ...(request.body as object), 'm.mentions': {} },
    })),
  },
  {
    about: 'requests whose answers nobody uses are not made',
    cases: /^provider\/(azuredevops|gitea|giteapullrequestcomment)\//,
    expect: without(({ method, path }) => method === 'OPTIONS' || /\/version$/.test(path ?? '')),
  },
  {
    about: 'requests whose answers nobody uses are not made: the number is looked at first',
    cases: /^provider\/giteapullrequestcomment\/no-number$/,
    expect: without(() => true),
  },
  {
    about: 'redirects are not followed: a message and its credentials go nowhere else',
    cases: /^transport\/statuses\/307$/,
    expect: (result) => ({
      ...result,
      requests: result.requests?.slice(0, 1) ?? [],
      warnings: [{ object: 'Alert/a', reason: 'NotificationDispatchFailed', message: '' }],
    }),
  },
  {
    about: 'what was not delivered is sent again later',
    cases: /^transport\/timeout-ends-retries\//,
    expect: ({ gaps: _, ...result }) => result,
  },
  {
    about: 'a message has 39,000 characters at most, which is the bound of the schema of events',
    cases: /^endpoint\/requests\/just-fits$/,
    expect: changeRequests((request) => {
      const body = request.body as { message: string };
      const [first = ''] = body.message;
      return { ...request, body: { ...body, message: `${first.repeat(38_997)}...` } };
    }),
  },
  {
    about: 'Providers need no finalizer, as nothing is to be done when they go',
    cases: /^alert\/objects\//,
    expect: ({ 'Provider/p': provider, ...result }) => {
      const { finalizers: _, ...rest } = provider as Record<string, unknown>;
      return { ...result, 'Provider/p': rest };
    },
  },
  {
    about: 'nobody has the right to watch all Secrets: a missing one is noticed by the next call',
    cases: /^receiver\/secret-deleted\/gone$/,
    expect: () => ({}),
  },
];

/** What Weir does in a case: what the real controller did, with the differences on purpose. */
export function expectedOf(name: string, of: Case): Result {
  return DIFFERENCES.filter(({ cases }) => cases.test(name)).reduce<Result>(
    (result, { expect }) => expect(result, of),
    of.result,
  );
}
