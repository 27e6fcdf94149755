import { digestName, nameDigest } from './digest.ts';

const SUFFIX = '.tar.gz';

/** Where an artifact is served: `gitrepository/<namespace>/<name>/<hex>.tar.gz`, as in Flux's `status.artifact.path`. */
export function artifactPath(
  kind: string,
  namespace: string,
  name: string,
  digest: string,
): string {
  return `${kind.toLowerCase()}/${namespace}/${name}/${digestName(digest)}${SUFFIX}`;
}

const LATEST = 'latest';

/** Where the newest artifact of an object is served, as in Flux's `status.url`. */
export function latestPath(kind: string, namespace: string, name: string): string {
  return `${kind.toLowerCase()}/${namespace}/${name}/${LATEST}${SUFFIX}`;
}

// Kinds are lower case here; namespaces and names are DNS names (RFC 1123), which can't be `.` or `..`.
const PATH = /^\/?([a-z0-9]+)\/([a-z0-9][a-z0-9-]*)\/([a-z0-9][a-z0-9.-]*)\/([a-z0-9-]+)\.tar\.gz$/;

/** The digest that a path of `artifactPath` names; undefined for anything that isn't one. */
export function pathDigest(path: string): string | undefined {
  const [, , , , name] = PATH.exec(path) ?? [];
  return name === undefined ? undefined : nameDigest(name);
}
