// The state that the steps of a fixture share while it is played.
import type { GitServer, GitServerRepository } from '@weir/cluster';
import type { KubeClient } from '@weir/kube';
import type { Fixture, Step } from '../fixture.ts';
import type { Places } from '../session.ts';

/** The field manager of a step that names no other. */
export const MANAGER = 'conformance';
/** The name of the source and the Kustomization of a step that names no other. */
export const DEFAULT_NAME = 'app';

/** How long a step waits at most, and how often it checks, in ms. */
export const WAIT = { timeoutMs: 60_000, intervalMs: 100 };

export interface FixtureRun {
  places: Places;
  client: KubeClient;
  git: GitServer;
  fixture: Fixture;
  repositories: Map<string, GitServerRepository>;
  /** The SHA-1 of the last commit, by source. */
  commits: Map<string, string>;
  /** The token of the last request, by Kustomization. */
  requests: Map<string, string>;
  commitCount: number;
}

/** The type of the step that has this key. */
export type StepOf<Key extends string> = Extract<Step, { [K in Key]: unknown }>;
