// Cases of ImageUpdateAutomation that were recorded from Flux's image-automation-controller: what a Git server held, what was
// applied and done, and what was there at the end.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeObject } from '@weir/kube';

/** Where the cases are. */
export const FOLDER = join(import.meta.dirname, '../../testdata/recorded');

export type FileSetup = string | { text: string; mode: string } | { link: string };

export interface GitSetup {
  branches: Record<string, Record<string, FileSetup>>;
  tags?: Record<string, string>;
  auth?: { username: string; password: string };
  readOnly?: boolean;
  moveOnPush?: { files: Record<string, string> };
}

/** One thing that is done, and what has to be there before the next one. */
export interface Step {
  push?: Record<string, Record<string, string>>;
  commit?: Record<string, string | null>;
  message?: string;
  create?: string;
  spec?: string;
  patch?: Record<string, unknown>;
  request?: string;
  setGit?: { readOnly: boolean };
  sleep?: number;
  mark?: string;
  until?: { latestTag?: Record<string, string>; pushedCommits?: number };
}

export interface RecordedCommit {
  by: string;
  commit: string;
  message: string;
  author?: string;
  committer?: string;
  parents?: number;
  signature?: string;
  files?: Record<string, { content: string; mode: string; status: string }>;
}

export interface RecordedStatus {
  conditions: string[];
  message?: string;
  observedGeneration?: string;
  [field: string]: unknown;
}

interface RecordedState {
  status: Record<string, RecordedStatus>;
}

export interface RecordedCase {
  name: string;
  about: string;
  setup: {
    images: Record<string, unknown>;
    git: Record<string, GitSetup>;
    otherNamespaces?: string[];
  };
  objects: KubeObject[];
  objectsCreatedLater?: KubeObject[];
  firstWaitUntil?: Step['until'];
  steps?: Step[];
  result: RecordedState & {
    eventMessages: string[];
    git: Record<string, { branches: Record<string, RecordedCommit[]>; pushes?: string[] }>;
    marks?: Record<string, RecordedState>;
  };
}

export async function caseNames(): Promise<string[]> {
  const files = await readdir(FOLDER);
  return files.filter((file) => file.startsWith('iu-')).map((file) => file.replace('.json', ''));
}

/** @param standIns what stands in the file, such as `$NS`, and what it means in this run */
export async function loadCase(
  name: string,
  standIns: Readonly<Record<string, string>>,
): Promise<RecordedCase> {
  let text = await readFile(join(FOLDER, `${name}.json`), 'utf8');
  for (const [from, to] of Object.entries(standIns)) {
    text = text.replaceAll(`$${from}`, () => JSON.stringify(to).slice(1, -1));
  }
  return { name, ...(JSON.parse(text) as Omit<RecordedCase, 'name'>) };
}
