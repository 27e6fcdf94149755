import { digestName, nameDigest } from './digest.ts';

const SUFFIX = '.tar.gz';

/** The file name suffixes of artifacts: an archive, a chart, or an index of charts. */
export type ArtifactSuffix = '.tar.gz' | '.tgz' | '.yaml';

/** The suffix of an artifact's file; that of an archive if it is an unknown one. */
export function suffixOf(path: string): ArtifactSuffix {
  const others = ['.tgz', '.yaml'] as const;
  return others.find((suffix) => path.endsWith(suffix)) ?? SUFFIX;
}

/** Where an artifact is served: `gitrepository/<namespace>/<name>/<hex>.tar.gz`, much as in Flux's `status.artifact.path`. */
export function artifactPath(
  kind: string,
  namespace: string,
  name: string,
  digest: string,
  suffix: ArtifactSuffix = SUFFIX,
): string {
  return `${kind.toLowerCase()}/${namespace}/${name}/${digestName(digest)}${suffix}`;
}

const LATEST = 'latest.tar.gz';

/** Where the newest artifact of an object is served, as in Flux's `status.url`. */
export function latestPath(
  kind: string,
  namespace: string,
  name: string,
  file: string = LATEST,
): string {
  return `${kind.toLowerCase()}/${namespace}/${name}/${file}`;
}

// Kinds are lower case here; namespaces and names are DNS names (RFC 1123), which can't be `.` or `..`.
const PATH =
  /^\/?([a-z0-9]+)\/([a-z0-9][a-z0-9-]*)\/([a-z0-9][a-z0-9.-]*)\/([a-z0-9-]+)\.(?:tar\.gz|tgz|yaml)$/;

/** The digest that a path of `artifactPath` names; undefined for anything that isn't one. */
export function pathDigest(path: string): string | undefined {
  const [, , , , name] = PATH.exec(path) ?? [];
  return name === undefined ? undefined : nameDigest(name);
}
