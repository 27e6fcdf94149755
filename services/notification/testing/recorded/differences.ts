// Where Weir does something else than the real controller on purpose (docs/compatibility.md), as changes of the cases.
import assert from 'node:assert/strict';
import type { Case, Result, VendorRequest } from './case.ts';

export interface Difference {
  /** The heading in docs/compatibility.md under which the reason is stated. */
  heading: string;
  about?: string;
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

interface SlackBody {
  channel: string;
  username: string;
  attachments: {
    text: string;
    fallback: string;
    fields: { title: string; value: string }[];
  }[];
}

const ABOUT =
  'HealthCheckFailed · kustomize-controller · <!date^1767323045^{date_short_pretty} {time_secs}|2026-01-02T03:04:05Z>';
const mrkdwn = (text: string) => ({ type: 'mrkdwn', text, verbatim: true });

export const DIFFERENCES: readonly Difference[] = [
  {
    heading: 'No message notifies everybody',
    about: 'Slack',
    cases: /^provider\/slack\/special$/,
    expect: inBodies((text) =>
      text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
    ),
  },
  {
    heading: 'A chat shows a rollout in one message',
    about: 'by a bot of Slack, in Block Kit; its first line is the cause',
    cases: /^provider\/slack-bot\//,
    expect: changeRequests((request) => {
      const { attachments = [], channel, username } = request.body as SlackBody;
      const [{ text, fields, fallback } = assert.fail('no attachment')] = attachments;
      const title = fallback.slice(0, -(text.length + 2));
      return {
        ...request,
        body: {
          ...{ channel, username, unfurl_links: false, unfurl_media: false },
          attachments: [
            {
              color: 'danger',
              fallback: `🔴 ${fallback}`,
              blocks: [
                { type: 'section', text: mrkdwn(`*🔴 ${title}*: ${text}`) },
                {
                  type: 'section',
                  fields: fields.map((field) => mrkdwn(`*${field.title}*\n${field.value}`)),
                },
                { type: 'context', elements: [mrkdwn(ABOUT)] },
              ],
            },
          ],
        },
      };
    }),
  },
  {
    heading: 'No message notifies everybody',
    about: 'Webex',
    cases: /^provider\/webex\/special$/,
    expect: inBodies((text) => text.replaceAll('<@', '<\u200b@')),
  },
  {
    heading: 'No message notifies everybody',
    about: 'Matrix',
    cases: /^provider\/matrix\//,
    expect: changeRequests((request) => ({
      ...request,
      body: { ...(request.body as object), 'm.mentions': {} },
    })),
  },
  {
    heading: 'Requests whose answers nobody uses are not made',
    cases: /^provider\/(azuredevops|gitea|giteapullrequestcomment)\//,
    expect: without(({ method, path }) => method === 'OPTIONS' || /\/version$/.test(path ?? '')),
  },
  {
    heading: 'Requests whose answers nobody uses are not made',
    about: 'the number is looked at first',
    cases: /^provider\/giteapullrequestcomment\/no-number$/,
    expect: without(() => true),
  },
  {
    heading: 'Receivers may not be on this machine',
    about: 'redirects are not followed: a message and its credentials go nowhere else',
    cases: /^transport\/statuses\/307$/,
    expect: (result) => ({
      ...result,
      requests: result.requests?.slice(0, 1) ?? [],
      warnings: [{ object: 'Alert/a', reason: 'NotificationDispatchFailed', message: '' }],
    }),
  },
  {
    heading: 'Alerts are kept until they are sent',
    about: 'what was not delivered is sent again later',
    cases: /^transport\/timeout-ends-retries\//,
    expect: ({ gaps: _, ...result }) => result,
  },
  {
    heading: 'Secrets of Receivers are not watched',
    about: 'nobody has the right to read all Secrets: a missing one is noticed by the next call',
    cases: /^receiver\/secret-deleted\/gone$/,
    expect: () => ({}),
  },
];

/** What Weir does in a case: what the real controller did, with the intended differences. */
export function expectedOf(name: string, of: Case): Result {
  return DIFFERENCES.filter(({ cases }) => cases.test(name)).reduce<Result>(
    (result, { expect }) => expect(result, of),
    of.result,
  );
}
