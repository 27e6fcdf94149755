// spec.include: finds the artifacts of other GitRepositories that are part of this one's. Reasons and messages are
// those of Flux.
import {
  ARTIFACT_OUTDATED,
  type Artifact,
  type GitRepository,
  INCLUDE_UNAVAILABLE,
  Reason,
} from '@weir/api';
import type { Informer } from '@weir/controller';
import { dropStates, Failure, setState } from '@weir/reconcile';
import { asOutdated } from '../shared/conditions.ts';
import type { SourceRun } from '../shared/run.ts';
import { areIncluded } from './contents.ts';

type Repositories = Pick<Informer<GitRepository>, 'get'>;

/** Inclusions of one GitRepository: all their archives are open at the same time. */
const MAX_INCLUDES = 64;
/** GitRepositories that are searched for a cycle. */
const MAX_VISITED = 1_000;

/**
 * Returns the artifacts that spec.include names, in its order. The status reports when they differ from those in the
 * artifact.
 * @throws Failure with the condition IncludeUnavailable while one of them is missing
 */
export function findIncludes(
  run: SourceRun<GitRepository>,
  repositories: Repositories,
): Artifact[] {
  const { object, status } = run;
  const { include = [] } = object.spec;
  const { namespace = '' } = object.metadata;
  if (include.length > MAX_INCLUDES) {
    throw unavailable(
      Reason.IncludeInvalid,
      `more than ${MAX_INCLUDES} GitRepositories are included`,
    );
  }
  const circle = findCircle(object, repositories);
  if (circle !== undefined) {
    const message = `GitRepositories include each other in a circle: ${shownWay(circle)}`;
    throw unavailable(Reason.IncludeInvalid, message);
  }
  const artifacts = include.map(({ repository: { name } }) => {
    const found = repositories.get(`${namespace}/${name}`);
    if (found === undefined) {
      const missing = `gitrepositories.source.toolkit.fluxcd.io "${name}" not found`;
      const message = `could not get resource for include '${name}': ${missing}`;
      throw unavailable(Reason.NotFound, message, true);
    }
    const artifact = found.status?.artifact;
    if (artifact !== undefined) return artifact;
    throw unavailable(Reason.NoArtifact, `no artifact available for include '${name}'`, true);
  });
  status.update((report) => dropStates(report, [INCLUDE_UNAVAILABLE]));
  if (!areIncluded(object.status ?? {}, artifacts)) {
    const message = 'included artifacts differ from last observed includes';
    status.update((report) => {
      const outdated = asOutdated(report, object, message);
      if (!object.status?.includedArtifacts) return dropStates(outdated, [ARTIFACT_OUTDATED]);
      const reason = Reason.IncludeChange;
      return setState(outdated, ARTIFACT_OUTDATED, { status: 'True', reason, message });
    });
  }
  return artifacts;
}

function unavailable(reason: string, message: string, isWaiting = false): Failure {
  // As in Flux, there is no event for what is only waited for.
  const event = isWaiting ? ('none' as const) : undefined;
  const options = { condition: INCLUDE_UNAVAILABLE, backoff: true, ...(event ? { event } : {}) };
  return new Failure(reason, message, options);
}

/**
 * The names on a path from an object back to itself. In a cycle, each new artifact would cause another one without end.
 */
function findCircle(object: GitRepository, repositories: Repositories): string[] | undefined {
  const { namespace, name } = object.metadata;
  const visited = new Set<string>();
  const pending: { at: GitRepository; way: string[] }[] = [{ at: object, way: [name] }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const { repository } of next.at.spec.include?.slice(0, MAX_INCLUDES) ?? []) {
      const way = [...next.way, repository.name];
      if (repository.name === name) return way;
      if (visited.has(repository.name) || visited.size >= MAX_VISITED) continue;
      visited.add(repository.name);
      const found = repositories.get(`${namespace}/${repository.name}`);
      if (found !== undefined) pending.push({ at: found, way });
    }
  }
  return undefined;
}

/** The path for messages: the middle of a long one is left out. */
function shownWay(way: string[]): string {
  const shown = way.length > 10 ? [...way.slice(0, 8), '...', ...way.slice(-1)] : way;
  return shown.join(' -> ');
}

/** The repositories that an object includes, as `GitRepository/<namespace>/<name>`. */
export function includedBy({ kind, metadata, spec }: GitRepository): string[] {
  const included = spec.include?.slice(0, MAX_INCLUDES) ?? [];
  return included.map(({ repository }) => `${kind}/${metadata.namespace}/${repository.name}`);
}
