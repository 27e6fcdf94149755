import { algorithmOf } from './digest.ts';
import { OciError } from './errors.ts';

/** Where manifests and blobs are. */
export interface Repository {
  /** Host, with the port where one was given: `ghcr.io`, `localhost:5000`, `index.docker.io`. */
  registry: string;
  /** Path in the registry: `org/app`. */
  name: string;
}

/** A manifest of a repository: by digest where there is one, else by tag. */
export interface Reference {
  repository: Repository;
  tag?: string;
  digest?: string;
}

const DOCKER_HUB = 'index.docker.io';
const DEFAULT_TAG = 'latest';
const NAME_CHARACTERS = 'abcdefghijklmnopqrstuvwxyz0123456789_-./';
const MAX_NAME_LENGTH = 255;

/**
 * The repository that a name without a scheme stands for. As with Docker, what comes before the first slash is a registry
 * only if it is `localhost` or has a dot or a colon; Docker Hub otherwise, whose own images are in `library/`.
 * @throws OciError InvalidReference
 */
export function parseRepository(text: string): Repository {
  const slash = text.indexOf('/');
  const first = text.slice(0, Math.max(slash, 0));
  const hasRegistry = first === 'localhost' || /[.:]/.test(first);
  const name = hasRegistry ? text.slice(slash + 1) : text;
  const registry = hasRegistry && first !== 'docker.io' ? first : DOCKER_HUB;
  checkName(name);
  checkRegistry(registry);
  const isOfficial = registry === DOCKER_HUB && !name.includes('/');
  return { registry: registry.toLowerCase(), name: isOfficial ? `library/${name}` : name };
}

function checkName(name: string): void {
  if (name.length < 1 || name.length > MAX_NAME_LENGTH) {
    throw invalid(`repository must be between 1 and ${MAX_NAME_LENGTH} characters in length`);
  }
  if ([...name].some((character) => !NAME_CHARACTERS.includes(character))) {
    throw invalid(`repository can only contain the characters \`${NAME_CHARACTERS}\`: ${name}`);
  }
  // A URL with such a part would be a URL of something else.
  if (name.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    throw invalid(`repository has an empty part, '.' or '..' in it: ${name}`);
  }
}

function checkRegistry(registry: string): void {
  const isHost = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?$/.test(registry);
  if (!isHost || registry.length > 300 || !URL.canParse(`https://${registry}`)) {
    // What comes before an @ may be a password.
    const shown = registry.replace(/^.*@/, '*****@').slice(0, 300);
    throw invalid(`registry '${shown}' is no host name or address`);
  }
}

/** `registry/name[:tag][@digest]`; the tag `latest` with neither. @throws OciError InvalidReference */
export function parseReference(text: string): Reference {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined) algorithmOf(digest);
  const rest = at < 0 ? text : text.slice(0, at);
  const colon = rest.lastIndexOf(':');
  const hasTag = colon > rest.lastIndexOf('/');
  const tag = hasTag ? rest.slice(colon + 1) : digest === undefined ? DEFAULT_TAG : undefined;
  if (tag !== undefined) checkTag(tag);
  return {
    repository: parseRepository(hasTag ? rest.slice(0, colon) : rest),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** As in the OCI distribution spec, "Pulling manifests". */
export function isTag(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(text);
}

/** @throws OciError InvalidReference */
export function checkTag(tag: string): void {
  if (!isTag(tag)) throw invalid(`'${tag.slice(0, 150)}' is no tag`);
}

/** `registry/name`. */
export function formatRepository({ registry, name }: Repository): string {
  return `${registry}/${name}`;
}

/** `registry/name:tag`, or `registry/name@digest` where there is a digest. */
export function formatReference({ repository, tag = DEFAULT_TAG, digest }: Reference): string {
  const name = formatRepository(repository);
  return digest === undefined ? `${name}:${tag}` : `${name}@${digest}`;
}

function invalid(message: string): OciError {
  return new OciError('InvalidReference', message);
}
