// An object as a recorded case describes it.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type Condition, isRequested } from '@weir/api';
import { readTar } from '@weir/artifact';
import { parse } from 'yaml';
import type { SourceObject } from '../../shared/source.ts';

/** Describes an object, with its artifact fetched, as far as the recording does. */
export async function describeObject(
  object: SourceObject,
  wanted: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const { status, metadata } = object;
  const conditions = status?.conditions ?? [];
  const messageOf = (type: string) => conditions.find((it) => it.type === type)?.message;
  const others = conditions.filter(({ type }) => type !== 'Ready' && type !== 'Reconciling');
  return {
    conditions: conditions.map((it) => `${it.type}=${it.status} ${it.reason}`).sort(),
    message: messageOf('Ready') ?? '',
    messages: Object.fromEntries(others.map(({ type, message }) => [type, message])),
    generations: generationsOf(object, conditions),
    ...(await describeArtifact(object, COPIED in Object(wanted.artifact))),
    observed: observedOf(status ?? {}),
    ...(isRequested(object, undefined)
      ? { requested: isRequested(object, status?.lastHandledReconcileAt) ? 'open' : 'handled' }
      : {}),
    finalizers: metadata.finalizers,
  };
}

function generationsOf({ metadata, status }: SourceObject, conditions: readonly Condition[]) {
  const say = (generation: number | undefined) => {
    if (generation === undefined || generation === 0) return undefined;
    if (generation === -1) return 'none';
    return generation === metadata.generation ? 'current' : 'behind';
  };
  const said = [
    ...conditions.map(({ type, observedGeneration }) => [type, say(observedGeneration)]),
    ['status', say(status?.observedGeneration)],
  ];
  return Object.fromEntries(said.filter(([, generation]) => generation !== undefined));
}

function observedOf(status: object): Record<string, unknown> {
  const fields = Object.entries(status).filter(
    ([key]) => key.startsWith('observed') && key !== 'observedGeneration',
  );
  const short = (key: string) => key.charAt(8).toLowerCase() + key.slice(9);
  return Object.fromEntries(fields.map(([key, value]) => [short(key), value]));
}

async function describeArtifact(
  { status }: SourceObject,
  isCopied: boolean,
): Promise<Record<string, unknown>> {
  const artifact = status?.artifact;
  if (artifact === undefined) return { artifact: null };
  const response = await fetch(artifact.url);
  const bytes = Buffer.from(await response.arrayBuffer());
  const hex = createHash('sha256').update(bytes).digest('hex');
  const latest = (status as { url?: string }).url;
  return {
    artifact: {
      revision: artifact.revision,
      ...(artifact.metadata === undefined ? {} : { metadata: artifact.metadata }),
      fetch: response.status,
      digestOk: artifact.digest === `sha256:${hex}`,
      sizeOk: artifact.size === bytes.length,
      ...(isCopied ? { [COPIED]: artifact.digest } : {}),
    },
    contents: artifact.path.endsWith('.yaml')
      ? { index: JSON.parse(bytes.toString('utf8')) }
      : await contentsOf(bytes, hex, artifact.path.endsWith('.tgz')),
    ...(latest === undefined ? {} : { latest: await hasSameBytes(latest, bytes) }),
  };
}

async function hasSameBytes(url: string, bytes: Buffer): Promise<boolean> {
  const response = await fetch(url);
  return bytes.equals(Buffer.from(await response.arrayBuffer()));
}

/** Files of charts whose content counts, and not how it is written. */
const PARSED = /\/(Chart\.yaml|Chart\.lock|values\.yaml)$/;

async function contentsOf(
  bytes: Buffer,
  hex: string,
  isChart: boolean,
): Promise<Record<string, unknown>> {
  const files: string[] = [];
  const parsed: Record<string, unknown> = {};
  try {
    const unzipped = Readable.from([bytes]).pipe(createGunzip());
    for await (const { path, type, content } of readTar(unzipped, { maxEntries: 10_000 })) {
      if (type !== 'file') continue;
      const hash = createHash('sha256');
      const parts: Uint8Array[] = [];
      for await (const chunk of content) parts.push(chunk);
      const whole = Buffer.concat(parts);
      if (isChart && PARSED.test(path)) {
        parsed[path] = parse(whole.toString('utf8'));
        files.push(`${path} parsed`);
        continue;
      }
      files.push(`${path} ${hash.update(whole).digest('hex')}`);
    }
    return { ...listOf(files.sort()), ...(isChart ? { parsed } : {}) };
  } catch {
    // Any bytes may be an artifact.
    return { bytes: `${hex} ${bytes.length}` };
  }
}

/** If there are more files than this, they are compared by a digest. */
const LISTED = 1_000;

function listOf(files: string[]): Record<string, unknown> {
  if (files.length <= LISTED) return { files };
  const digest = createHash('sha256').update(files.join('\n')).digest('hex');
  const summary = `${files.length} entries, sha256 of the lines ${digest}`;
  return { files: summary, first: files.slice(0, 5) };
}

const COMPARED = [
  ...['conditions', 'generations', 'contents', 'observed', 'finalizers', 'requested', 'latest'],
];
const ARTIFACT = ['revision', 'metadata', 'fetch', 'digestOk', 'sizeOk'];
/** The digest of the fetched file, if the artifact is that file unchanged. */
const COPIED = 'bytes';

/** The part of a description that is compared with the recording, with the expected messages. */
export function comparable(
  description: Record<string, unknown>,
  expect: (message: string) => string = (message) => message,
): Record<string, unknown> {
  const picked = pick(description, COMPARED);
  const artifact = description.artifact as Record<string, unknown> | null | undefined;
  return {
    ...picked,
    ...(picked.observed === undefined ? { observed: {} } : {}),
    message: expect(String(description.message ?? '')),
    messages: Object.fromEntries(
      Object.entries(description.messages ?? {}).map(([type, it]) => [type, expect(String(it))]),
    ),
    artifact: artifact ? pick(artifact, [...ARTIFACT, COPIED]) : null,
  };
}

function pick(from: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    keys.flatMap((key) => (from[key] === undefined ? [] : [[key, from[key]]])),
  );
}

/** Replaces digests that depend on ports by the placeholders that match them, such as `<index>`. */
export function withStandIns(actual: unknown, recorded: unknown): unknown {
  if (typeof actual === 'string' && typeof recorded === 'string') {
    const pattern = recorded
      .split(/<[a-z0-9]+>/)
      .map((it) => it.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    return pattern.length > 1 && new RegExp(`^${pattern.join('.+')}$`, 's').test(actual)
      ? recorded
      : actual;
  }
  if (typeof actual !== 'object' || actual === null) return actual;
  const other = Object(recorded) as Record<string, unknown>;
  if (Array.isArray(actual)) {
    return actual.map((value, index) => withStandIns(value, other[index]));
  }
  return Object.fromEntries(
    Object.entries(actual).map(([key, value]) => [key, withStandIns(value, other[key])]),
  );
}
