// Cases that were recorded from Flux's image controllers: what a registry had, what was applied and done, and Flux's
// results.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeObject } from '@weir/kube';

/** Where the cases are. */
export const FOLDER = join(import.meta.dirname, '../../testdata/recorded/cases');

/** Tag by tag the digest of a manifest, or very many tags with one digest. */
export type ImageSetup = Record<string, string> | { tags: string; count: number; digest: string };

export interface RecordedCase {
  name: string;
  about: string;
  setup: { images?: Record<string, ImageSetup>; otherNamespaces?: string[] };
  objects: KubeObject[];
  objectsCreatedLater?: KubeObject[];
  steps?: Step[];
  result: RecordedResult;
}

export interface Step {
  push?: Record<string, ImageSetup>;
  apply?: KubeObject;
  /** `Kind/name` of `objectsCreatedLater`. */
  create?: string;
  /** `Kind/name`, or `Kind/name@team` for the namespace `$NS-team`. */
  request?: string;
  delete?: string;
  spec?: string;
  patch?: object;
  labelNamespace?: string;
  labels?: Record<string, string>;
  mark?: string;
  until?: Until;
}

/** What was waited for, by the name of the object. */
export interface Until {
  latestTag?: Record<string, string>;
  /** A digest that isn't the one before. */
  digest?: Record<string, string>;
  ready?: Record<string, string>;
}

/** Statuses by `Kind/name`. */
export type Look = Record<string, Record<string, unknown>>;

export interface RecordedResult {
  status: Look;
  marks?: Record<string, { status: Look }>;
  /** `Kind/name Type Reason: message`. */
  eventMessages: string[];
  rejected?: Record<string, string>;
  via?: string[];
}

/** The names of the cases that begin with a prefix, such as `ir-`. */
export async function caseNames(prefix: string): Promise<string[]> {
  const files = await readdir(FOLDER);
  return files.filter((it) => it.startsWith(prefix)).map((it) => it.replace(/\.json$/, ''));
}

/**
 * A case with what stands in for servers and the like filled in.
 * @param digestOf what a recorded digest is here, where Flux's result has one
 */
export async function loadCase(
  name: string,
  standIns: Readonly<Record<string, string>>,
  digestOf: (recorded: string) => Promise<string>,
): Promise<RecordedCase> {
  const text = await readFile(join(FOLDER, `${name}.json`), 'utf8');
  const filled = text
    .replace(/\$([A-Z_]+)/g, (whole, key: string) => {
      const value = standIns[key];
      return value === undefined ? whole : JSON.stringify(value).slice(1, -1);
    })
    .replace(/\bFX(?=\/|%2F)/g, standIns.FX ?? 'FX');
  const recorded = JSON.parse(filled) as Omit<RecordedCase, 'name'>;
  let result = JSON.stringify(recorded.result);
  for (const digest of new Set(result.match(/sha256:[0-9a-f]{64}/g) ?? [])) {
    if (!/^sha256:0+$/.test(digest)) result = result.replaceAll(digest, await digestOf(digest));
  }
  return { ...recorded, result: JSON.parse(result) as RecordedResult, name };
}
