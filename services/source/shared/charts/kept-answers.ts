// Keeps the last answer of each repository for each set of credentials in files, so that a process that starts again
// need not fetch every index.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createBoundedMap } from '@weir/async';
import type { Validators } from '@weir/helm';

/** The last answer of a repository for one set of credentials. */
export interface KnownAnswer {
  validators: Validators;
  /** `sha256:<hex>` of the bytes that were fetched. */
  revision: string;
  /** Bytes that were fetched. */
  size: number;
}

export interface Answers {
  /** Undefined when there is none. */
  get(key: string): Promise<KnownAnswer | undefined>;
  /**
   * Stores an answer, or that the same answer came again. On a full disk nothing is kept, and the next fetch reports
   * the disk.
   */
  keep(key: string, answer: KnownAnswer): Promise<void>;
}

const REMEMBERED = 1_000;

/** @param dir the folder for the files; the caller removes those that were not used for long */
export function createAnswers(dir: string): Answers {
  const remembered = createBoundedMap<string, KnownAnswer>({ max: REMEMBERED });
  const fileOf = (key: string) =>
    join(dir, `${createHash('sha256').update(key).digest('hex')}.answer`);

  return {
    async get(key) {
      const known = remembered.get(key) ?? answerOf(await readText(fileOf(key)));
      if (known !== undefined) remembered.set(key, known);
      return known;
    },
    async keep(key, answer) {
      const isKnown = remembered.get(key) === answer;
      remembered.set(key, answer);
      const file = fileOf(key);
      const now = new Date();
      if (isKnown && (await isDone(utimes(file, now, now)))) return;
      const part = `${file}.${randomUUID()}`;
      const isKept = await isDone(
        mkdir(dir, { recursive: true })
          .then(() => writeFile(part, JSON.stringify(answer), { mode: 0o600 }))
          .then(() => rename(part, file)),
      );
      // The file on the disk may have an older answer.
      if (!isKept) await Promise.all([part, file].map((path) => isDone(rm(path, { force: true }))));
    },
  };
}

function isDone(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

/** Undefined for a text that is no answer, as after a kill or from another version. */
function answerOf(text: string): KnownAnswer | undefined {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { validators, revision, size } = Object(found) as Partial<KnownAnswer>;
  const { etag, lastModified } = Object(validators) as Validators;
  const areTexts = [etag ?? '', lastModified ?? ''].every((it) => typeof it === 'string');
  if (!areTexts || !/^sha256:[0-9a-f]{64}$/.test(`${revision}`)) return undefined;
  if (!Number.isSafeInteger(size)) return undefined;
  return { validators: { etag, lastModified }, revision: `${revision}`, size: Number(size) };
}
