// Plays a file of cases on a stage, and compares what happened with what the real controller did.
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createAuthority, until } from '@weir/cluster';
import { Event, type KubeObject } from '@weir/kube';
import type { Case, CaseFile, Result, SentRequest, VendorRequest } from './case.ts';
import { asExpected, filled, type Known, normalized, sorted } from './compare.ts';
import { expectedOf } from './differences.ts';
import { played } from './receivers.ts';
import { NAMESPACE, type Stage, WAIT } from './stage.ts';

/** The length of the window in which an event counts as a repetition, in ms, where cases are about that. */
const WINDOW_MS = 6_000;
let windows = 0;

export async function play(stage: Stage, file: CaseFile): Promise<void> {
  const hasWindow = /\/dedup/.test(file.name) || file.cases.some(({ events }) => events);
  // An instance of its own for each such file, as what came before counts.
  const window = hasWindow ? `${WINDOW_MS + ++windows}ms` : '1ms';
  const flags = { 'rate-limit-interval': window };
  await stage.use(flags);
  const objects = await Promise.all(file.objects.map((object) => completed(stage, object)));
  await stage.apply(objects);
  const paths = new Map<string, string[]>();
  let firstAt: number | undefined;
  try {
    for (const each of file.cases) {
      const name = `${file.name}/${each.name}`;
      const strict = [each.instance, each.request?.instance].some((on) => on?.includes('no-cross'));
      await stage.use(strict ? { ...flags, 'no-cross-namespace-refs': 'true' } : flags);
      const factor = /^([\d.]+) windows/.exec(each.when ?? '')?.[1];
      if (factor !== undefined && firstAt !== undefined) {
        await delay(Math.max(0, firstAt + Number(factor) * WINDOW_MS - Date.now()));
      }
      firstAt ??= Date.now();
      const expected = expectedOf(name, each);
      const what = JSON.stringify(each.event ?? each.events ?? each.request ?? each.rawRequest);
      await playCase(stage, { name, each, file, expected, paths }).catch((error: unknown) => {
        throw new Error(`${name}: ${(what ?? '').slice(0, 200)}`, { cause: error });
      });
      // A failed message is tried again, and delays the next event of its object.
      if (expected.warnings && each.event && each !== file.cases.at(-1)) {
        await stage.clear();
        await stage.apply(objects);
      }
    }
  } finally {
    await stage.clear();
  }
}

interface Playing {
  name: string;
  each: Case;
  file: CaseFile;
  expected: Result;
  /** The paths that Receivers have had, the newest last. */
  paths: Map<string, string[]>;
}

async function playCase(stage: Stage, playing: Playing): Promise<void> {
  const { each, expected, paths } = playing;
  const documents = issuerDocuments(stage);
  const known = await knownOf(stage, playing);
  const answers = (each.answers ?? []).map((answer) => ({
    ...answer,
    body: filled(answer.body, undefined, known, Buffer.alloc(0)),
  }));
  stage.vendors.answer(answers, documents);
  stage.vendors.clear();
  stage.hub.received.length = 0;
  const since = await warnings(stage);
  const handled = await stage.count('weir_events_handled_total');
  if (expected.refused !== undefined) {
    await assertRefused(stage, each, expected.refused);
    return;
  }
  if (each.apply) await stage.apply(await Promise.all(each.apply.map((o) => completed(stage, o))));
  for (const what of each.delete ?? []) await stage.remove(...split(what));
  await annotateAll(stage, each);
  const responses = await sendAll(stage, each, paths, playing);
  if (expected.responses !== undefined) {
    assert.deepEqual(
      responses.map(({ status }) => status),
      expected.responses.map(({ status }) => status),
      'the answers',
    );
    for (const [index, { body }] of expected.responses.entries()) {
      if (body !== undefined) assert.equal(responses[index]?.body, body);
    }
  }
  const accepted = responses.filter(({ status }) => status === 202).length;
  await settled(stage, expected, handled + accepted, since.length);
  compareRequests(stage, playing, known);
  await compareWarnings(stage, expected, since.length);
  await played(stage, each, expected, paths);
}

/** Replaces the placeholders of a case for addresses, certificates and keys. */
async function completed(stage: Stage, object: KubeObject): Promise<KubeObject> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const client = object.metadata.name === 'ca' ? await createAuthority('client') : undefined;
  const certificate = (await client?.client('flux-client'))?.certificate ?? '';
  const isClosed = JSON.stringify(object).includes('p-auth');
  const replaced: Record<string, string> = {
    '<PEM of the CA of hooks.example.com>': stage.vendors.ca,
    '<PEM of a client certificate, CN flux-client>': certificate,
    '<PEM of an RSA key>': pem.replaceAll('\n', '\\n'),
    'http://proxy.example.com:3128': stage.vendors.proxy,
    'nats://nats.example.com:4222': isClosed ? stage.nats.closed : stage.nats.open,
    'hub.example.com:5672': `127.0.0.1:${stage.hub.port}`,
  };
  const change = (value: unknown): unknown => {
    if (typeof value === 'string') {
      return Object.entries(replaced).reduce(
        (text, [from, to]) => text.replaceAll(from, to),
        value.replace(/(.)<×(\d+)>/g, (_, char, count) => String(char).repeat(Number(count))),
      );
    }
    if (Array.isArray(value)) return value.map(change);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, change(each)]));
  };
  return change(object) as KubeObject;
}

async function knownOf(stage: Stage, { file, each }: Playing): Promise<Known> {
  const uids = new Map<string, string>();
  for (const { kind, metadata } of file.objects) {
    const found = await stage.find(kind, metadata.name, metadata.namespace);
    if (found !== undefined) uids.set(`${kind}/${metadata.name}`, found.metadata.uid ?? '');
  }
  const secret = file.objects.find(
    ({ kind, metadata }) => kind === 'Secret' && metadata.name === 'p-auth',
  );
  const token = (secret?.stringData as Record<string, string> | undefined)?.token ?? '';
  const event = each.event as
    | { involvedObject?: Record<string, string>; reason?: string }
    | undefined;
  const { kind = '', namespace = '', name = '' } = event?.involvedObject ?? {};
  return { uids, token, identity: `${kind}/${namespace}/${name}/${event?.reason}` };
}

async function assertRefused(stage: Stage, each: Case, message: string): Promise<void> {
  // Names of types are in the order of the definition, and newer ones may follow.
  const [start = ''] = message.replace(/^\S+ "\w+" is invalid: \[?/, '').split(/supported values/);
  await assert.rejects(
    async () => stage.apply(each.apply ?? []),
    (error: Error) => error.message.includes(start.slice(0, 120)) || assert.fail(error.message),
  );
}

async function annotateAll(stage: Stage, each: Case): Promise<void> {
  for (const [what, annotations] of Object.entries(each.annotate ?? {})) {
    const [kind, name] = split(what);
    const object = await stage.find(kind, name);
    if (object === undefined) continue;
    const ref = { namespace: NAMESPACE, name };
    const body = { metadata: { annotations } };
    await stage.platform.client.patch(await stage.typeOf(object), ref, body, { kind: 'merge' });
  }
}

function split(what: string): [kind: string, name: string] {
  const [kind = '', name = ''] = what.split('/');
  return [kind, name];
}

interface Answer {
  status: number;
  body: string;
}

async function sendAll(
  stage: Stage,
  each: Case,
  paths: ReadonlyMap<string, string[]>,
  { name }: Playing,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  const events = each.events ?? (each.event === undefined ? [] : [each.event]);
  for (const event of events) {
    const request = { method: 'POST', path: '/', headers: {}, body: JSON.stringify(event) };
    answers.push(await send(stage.port('events'), request));
  }
  if (each.rawRequest) answers.push(await send(stage.port('events'), each.rawRequest));
  for (const request of each.requests ?? (each.request ? [each.request] : [])) {
    const receiver = split(request.of ?? 'Receiver/r')[1];
    const found = await stage.find('Receiver', receiver);
    const status = found?.status as { webhookPath?: string } | undefined;
    const path = status?.webhookPath ?? `/hook/${randomUUID()}`;
    const had = paths.get(receiver) ?? [];
    const before = had.filter((each) => each !== status?.webhookPath).at(-1) ?? path;
    const filledIn = request.path
      .replace('<webhookPath before>', before)
      .replace('<webhookPath>', path);
    const headers = { ...request.headers, ...authorization(stage, request) };
    answers.push(await send(stage.port('receivers'), { ...request, path: filledIn, headers }));
  }
  assert.ok(answers.length > 0 || each.read || each.apply, `${name} does something`);
  return answers;
}

async function send(port: number, { method, path, headers, body }: SentRequest): Promise<Answer> {
  const text = body?.replace(/<the letter (.), (\d+) times>/, (_, char, count) =>
    String(char).repeat(Number(count)),
  );
  const init = method === 'GET' || method === 'HEAD' ? {} : { body: Buffer.from(text ?? '') };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, ...init });
  return { status: response.status, body: await response.text() };
}

function issuerDocuments({ issuer }: Stage): Record<string, unknown> {
  const url = 'http://hooks.example.com';
  return {
    'hooks.example.com/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/keys` },
    'hooks.example.com/keys': issuer.keys,
    'www.googleapis.com/oauth2/v3/certs': issuer.keys,
  };
}

/** A token issued 5 s ago that is good for 10 minutes, unless its claims say otherwise. */
function authorization({ issuer }: Stage, { bearerToken }: SentRequest): Record<string, string> {
  if (bearerToken === undefined) return {};
  const now = Math.floor(Date.now() / 1_000);
  const given = Object.entries({ iat: now - 5, exp: now + 600, ...bearerToken.claims });
  const claims = given
    .filter(([, value]) => value !== null)
    .map(([key, value]) => [
      key,
      typeof value === 'string' && /^-\d+$/.test(value) ? now + Number(value) : value,
    ]);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'RS256', typ: 'JWT', kid: 'k1' })}.${part(Object.fromEntries(claims))}`;
  const key = bearerToken.signedWith === undefined ? issuer.privateKey : issuer.stranger;
  return {
    authorization: `Bearer ${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`,
  };
}

/** Everything that was accepted is delivered, or has failed with a warning. */
async function settled(
  stage: Stage,
  expected: Result,
  handled: number,
  before: number,
): Promise<void> {
  const requests = expected.requests ?? [];
  const http = requests.filter(({ method }) => method !== undefined).length;
  const wanted = expected.warnings?.length ?? 0;
  await until(
    async () => {
      if ((await stage.count('weir_events_handled_total')) < handled) return false;
      const others = stage.hub.received.length + stage.nats.received().length;
      if (stage.vendors.requests().length < http || others < requests.length - http) return false;
      if ((await warnings(stage)).length - before < wanted) return false;
      return wanted > 0 || !(await stage.busy());
    },
    { ...WAIT, timeoutMs: 20_000, message: 'everything to be delivered' },
  ).catch((error: unknown) => {
    const seen = stage.vendors
      .requests()
      .map(({ method, host, path }) => `${method} ${host}${path}`);
    throw new Error(`${String(error)}; requests: ${seen.join(', ')}`, { cause: error });
  });
}

function compareRequests(stage: Stage, { file, expected }: Playing, known: Known): void {
  if (expected.requests === undefined) return;
  const wanted = expected.requests.filter(({ method }) => method !== undefined);
  const got = stage.vendors.requests();
  // A failed message is sent again, which the case doesn't have.
  if (!expected.warnings?.length) assert.equal(got.length, wanted.length, 'the number of requests');
  const keyOf = ({ method, path, body }: VendorRequest) =>
    `${method} ${path} ${JSON.stringify(sorted(body))}`;
  const inOrder = <T extends VendorRequest>(list: T[]): T[] =>
    file.requestsInAnyOrder ? list.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)) : list;
  const actual = inOrder(got);
  for (const [index, request] of inOrder(wanted).entries()) {
    const kept = actual[index] ?? assert.fail(`no request ${index}`);
    const is = normalized(kept, request);
    const should = filled(asExpected(request), is, known, kept.bytes);
    assert.deepEqual(sorted(is), sorted(should));
  }
  compareMessages(stage, expected.requests, known);
}

function compareMessages(stage: Stage, requests: readonly VendorRequest[], known: Known): void {
  const messages = requests.filter(({ method }) => method === undefined);
  const received = [
    ...stage.nats
      .received()
      .map(({ subject, text }) => ({ subject, body: JSON.parse(text) as unknown })),
    ...stage.hub.received,
  ];
  const here = JSON.stringify(messages.map(({ connect: _, ...message }) => message)).replaceAll(
    'hub.example.com:5672',
    `127.0.0.1:${stage.hub.port}`,
  );
  const wanted = JSON.parse(here) as unknown;
  assert.deepEqual(sorted(received), sorted(filled(wanted, received, known, Buffer.alloc(0))));
}

/** Warnings about the kinds of this service so far, as `Kind/name reason`. */
async function warnings(stage: Stage): Promise<string[]> {
  const { items } = await stage.platform.client.list(Event, { namespace: NAMESPACE });
  return items
    .filter(({ type, involvedObject }) => {
      const { kind } = involvedObject as { kind: string };
      return type === 'Warning' && ['Alert', 'Provider', 'Receiver'].includes(kind);
    })
    .flatMap(({ involvedObject, reason, count }) => {
      const { kind, name } = involvedObject as { kind: string; name: string };
      return Array.from({ length: Number(count ?? 1) }, () => `${kind}/${name} ${reason}`);
    });
}

async function compareWarnings(stage: Stage, expected: Result, before: number): Promise<void> {
  const wanted = (expected.warnings ?? []).map(({ object, reason }) => `${object} ${reason}`);
  if (wanted.length === 0) return;
  const now = await warnings(stage);
  assert.ok(now.length - before >= wanted.length, `warnings: ${now.join(', ')}`);
  for (const warning of wanted) assert.ok(now.includes(warning), `${warning} of ${now.join(', ')}`);
}
