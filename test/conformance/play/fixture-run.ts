// What the steps of a fixture share while it is played.
import type { GitServer, GitServerRepository } from '@weir/cluster';
import type { KubeClient } from '@weir/kube';
import type { Fixture, Step } from '../fixture.ts';

/** Field manager of what a fixture does where it names no other. */
export const MANAGER = 'conformance';
/** Name of source and Kustomization where a step names no other. */
export const DEFAULT_NAME = 'app';

/** How long a step waits for what it waits for, in ms, and how often it looks. */
export const PATIENCE = { timeoutMs: 60_000, intervalMs: 100 };

export interface Scene {
  client: KubeClient;
  git: GitServer;
  fixture: Fixture;
  repositories: Map<string, GitServerRepository>;
  /** The last commit by source. */
  commits: Map<string, string>;
  /** The last request by Kustomization. */
  requests: Map<string, string>;
  commitCount: number;
}

/** The step with this key. */
export type StepOf<Key extends string> = Extract<Step, { [K in Key]: unknown }>;
