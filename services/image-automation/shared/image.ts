// Parses the name of an image in an ImageRepository, which must be a repository without tag or digest.
import { Reason } from '@weir/api';
import { parseReference, type Repository } from '@weir/oci';
import { Failure } from '@weir/reconcile';

/**
 * The repository that `spec.image` names, by Flux's rules and with Flux's messages.
 * @throws Failure ImageURLInvalid (stalled)
 */
export function parseImage(image: string): Repository {
  const scheme = image.indexOf('://');
  if (scheme >= 0) {
    const shown = image.slice(0, scheme);
    throw invalid(`image '${image}' should not include URL scheme; remove '${shown}://'`);
  }
  const { repository } = parse(image);
  const { registry } = repository;
  const isNamed = image.toLowerCase().startsWith(registry);
  const [, tag] = (isNamed ? image.slice(registry.length) : image).split(':');
  if (tag !== undefined) {
    throw invalid(`image '${image}' should not include a tag; remove ':${tag}'`);
  }
  return repository;
}

function parse(image: string) {
  try {
    // Registries treat several slashes in a row as one.
    return parseReference(image.replace(/\/{2,}/g, '/'));
  } catch (cause) {
    throw invalid(`could not parse reference: ${image}`, cause);
  }
}

function invalid(message: string, cause?: unknown): Failure {
  return new Failure(Reason.ImageURLInvalid, message, { stalled: true, cause });
}
