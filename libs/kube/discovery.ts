import type { ResourceType } from './object.ts';

/** A served kind with what can be done to it. */
export interface DiscoveredResource extends ResourceType {
  verbs: readonly string[];
  subresources: readonly string[];
}

/** Which kinds the API server serves, cached; a miss asks the server again, but not more often than every two seconds. */
export interface Discovery {
  /** Without a version: the group's preferred one that has the kind. Rejects with NoMatchError. */
  resourceFor(kind: { group: string; version?: string; kind: string }): Promise<DiscoveredResource>;
  resourceForKind(apiVersion: string, kind: string): Promise<DiscoveredResource>;
  /** All kinds in all versions. */
  resources(): Promise<readonly DiscoveredResource[]>;
  /** Forget: the next question goes to the server. Call it after applying CustomResourceDefinitions. */
  invalidate(): void;
}
