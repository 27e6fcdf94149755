// Images in registries, as ImageRepositories name them, for all kinds of the service.
import { type ImageRepository, Reason } from '@weir/api';
import type { Identities } from '@weir/identity';
import type { KubeClient } from '@weir/kube';
import { createRegistries, formatRepository, type Registry, type Repository } from '@weir/oci';
import { Failure, messageOf } from '@weir/reconcile';
import type { RenderPool } from '@weir/render';
import type { ServiceParts } from '@weir/service';
import { readAccess } from './access.ts';
import { exclusionListOf } from './exclusion.ts';
import { parseImage } from './image.ts';
import type { PackedTags } from './tags/packed.ts';
import { createScanner, type Scanner } from './tags/scan.ts';
import { createStoredTags, type StoredTags } from './tags/stored.ts';
import { timeoutOf } from './timeout.ts';

/** An image, with a client of its registry that has the credentials of an ImageRepository. */
export interface Image {
  repository: Repository;
  /** `registry/name`. */
  name: string;
  registry: Registry;
  /** Represents registry and access. */
  accessKey: string;
}

export interface Images {
  /** @throws Failure ImageURLInvalid, FeatureGateDisabled (both stalled), AuthenticationFailed */
  open(object: ImageRepository, signal: AbortSignal): Promise<Image>;
  /**
   * Lists the tags that the object doesn't exclude, or returns a listing that began at most `maxAgeMs` ago.
   * @throws OciError, RenderError
   */
  scan(
    object: ImageRepository,
    image: Image,
    maxAgeMs: number,
    signal: AbortSignal,
  ): Promise<PackedTags>;
  stored: StoredTags;
}

const MIB = 1024 ** 2;
const LISTINGS = 32;
/** Bytes of lists that objects share, and the same again for lists that were stored last. */
const KEPT_BYTES = 16 * MIB;

export function openImages(
  parts: ServiceParts & { pool: RenderPool; identities: Identities },
  signal: AbortSignal,
): Images {
  const { bus, settings, pool, stack, log } = parts;
  const allowLocal = settings.boolean('allow-local-addresses', false);
  const clientOf = createRegistries({ allowLocal, environment: process.env });
  const scanner = createScanner({
    ...{ pool, signal, listings: LISTINGS, keptBytes: KEPT_BYTES },
    limits: {
      maxTags: settings.number('image-max-tags', 1_000_000, { min: 1 }),
      maxLength: settings.number('image-max-tag-bytes', 24 * MIB, { min: 1 }),
    },
  });
  const stored = createStoredTags({
    ...{ bus, stack, log, keptBytes: KEPT_BYTES },
    namespaceBytes: settings.number('image-namespace-max-bytes', 64 * MIB, { min: 1 }),
  });
  return {
    stored,
    open: (object, stop) => openImage(parts, object, clientOf, stop),
    scan: (object, image, maxAgeMs, stop) => scan(scanner, object, image, maxAgeMs, stop),
  };
}

async function openImage(
  reader: { client: KubeClient; identities: Identities },
  object: ImageRepository,
  clientOf: ReturnType<typeof createRegistries>,
  signal: AbortSignal,
): Promise<Image> {
  const repository = parseImage(object.spec.image);
  const { access, key } = await readAccess(reader, object, repository, signal);
  try {
    const name = formatRepository(repository);
    return { repository, name, registry: clientOf(access, key), accessKey: key };
  } catch (cause) {
    const message = `failed to configure authentication options: ${messageOf(cause)}`;
    throw new Failure(Reason.AuthenticationFailed, message, { cause });
  }
}

function scan(
  scanner: Scanner,
  { metadata, spec }: ImageRepository,
  { repository, registry, accessKey }: Image,
  maxAgeMs: number,
  signal: AbortSignal,
): Promise<PackedTags> {
  const { namespace = '' } = metadata;
  const wanted = {
    ...{ tenant: namespace, repository, registry, accessKey },
    exclusionList: exclusionListOf(spec),
    timeoutMs: timeoutOf({ spec }),
  };
  return scanner.scan(wanted, maxAgeMs, signal);
}
