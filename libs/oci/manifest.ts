import { isDigest } from './digest.ts';
import { OciError } from './errors.ts';

/** Points to a blob or a manifest (OCI image spec, descriptor.md). */
export interface Descriptor {
  mediaType: string;
  digest: string;
  /** Bytes. */
  size: number;
  artifactType?: string;
  annotations?: Record<string, string>;
  platform?: { os: string; architecture: string };
}

/** An image or an artifact: its layers in order. */
export interface ImageManifest {
  kind: 'image';
  mediaType: string;
  artifactType?: string;
  config?: Descriptor;
  layers: Descriptor[];
  annotations: Record<string, string>;
  subject?: Descriptor;
}

/** A list of manifests, one a platform; also what refers to a manifest. */
export interface IndexManifest {
  kind: 'index';
  mediaType: string;
  manifests: Descriptor[];
  annotations: Record<string, string>;
}

export type Manifest = ImageManifest | IndexManifest;

export const MediaType = {
  image: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  dockerImage: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const;

const INDEXES: readonly string[] = [MediaType.index, MediaType.dockerIndex];

/** The bytes that a manifest may have at most (distribution spec, "Pushing Manifests"). */
export const MAX_MANIFEST_BYTES = 4 * 1024 ** 2;
/** Layers of an image, or manifests of an index. */
const MAX_DESCRIPTORS = 2_000;

/**
 * Parses a manifest of OCI or Docker (schema 2).
 * @param contentType of the answer; the type in the manifest takes precedence
 * @throws OciError InvalidResponse, TooLarge
 */
export function parseManifest(bytes: Buffer, contentType = ''): Manifest {
  const content = asObject(parseJson(bytes), 'the manifest');
  const stated = typeof content.mediaType === 'string' ? content.mediaType : undefined;
  const mediaType = stated ?? contentType.replace(/;.*$/, '').trim();
  if (content.schemaVersion !== 2) {
    throw invalid(`unsupported MediaType: ${JSON.stringify(mediaType.slice(0, 150))}`);
  }
  const annotations = textsOf(content.annotations, 'the manifest');
  if (INDEXES.includes(mediaType) || (content.layers === undefined && content.manifests)) {
    const manifests = listOf(content.manifests, 'manifests');
    return { kind: 'index', mediaType, manifests, annotations };
  }
  const { artifactType, config, subject } = content;
  return {
    kind: 'image',
    mediaType,
    ...(typeof artifactType === 'string' ? { artifactType } : {}),
    ...(config === undefined ? {} : { config: descriptorOf(config, 'config') }),
    layers: listOf(content.layers, 'layers'),
    annotations,
    ...(subject ? { subject: descriptorOf(subject, 'subject') } : {}),
  };
}

/** The first manifest of an index for a platform; one without a platform counts as Linux on amd64. */
export function platformManifest(
  { manifests }: IndexManifest,
  platform = { os: 'linux', architecture: 'amd64' },
): Descriptor | undefined {
  return manifests.find(({ platform: own = { os: 'linux', architecture: 'amd64' } }) => {
    return own.os === platform.os && own.architecture === platform.architecture;
  });
}

function listOf(value: unknown, field: string): Descriptor[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(`'${field}' of the manifest is no list`);
  if (value.length > MAX_DESCRIPTORS) {
    const message = `the manifest has more than ${MAX_DESCRIPTORS} ${field}`;
    throw new OciError('TooLarge', message);
  }
  return value.map((item, index) => descriptorOf(item, `${field}[${index}]`));
}

function descriptorOf(value: unknown, field: string): Descriptor {
  const { mediaType, digest, size, artifactType, annotations, platform } = asObject(value, field);
  if (typeof mediaType !== 'string' || typeof digest !== 'string' || !isDigest(digest)) {
    throw invalid(`${field} of the manifest has no media type or no digest`);
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw invalid(`${field} of the manifest has no size`);
  }
  const known = annotations ? textsOf(annotations, field) : undefined;
  return {
    mediaType,
    digest,
    size,
    ...(typeof artifactType === 'string' ? { artifactType } : {}),
    ...(known === undefined ? {} : { annotations: known }),
    ...platformOf(platform),
  };
}

function platformOf(value: unknown): Pick<Descriptor, 'platform'> {
  if (typeof value !== 'object' || value === null) return {};
  const { os, architecture } = value as Record<string, unknown>;
  return { platform: { os: String(os ?? ''), architecture: String(architecture ?? '') } };
}

function textsOf(value: unknown, field: string): Record<string, string> {
  const texts: Record<string, string> = Object.create(null);
  for (const [key, text] of Object.entries(asObject(value ?? {}, `annotations of ${field}`))) {
    if (typeof text !== 'string') throw invalid(`annotations of ${field} hold what is no text`);
    texts[key] = text;
  }
  return { ...texts };
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new OciError('InvalidResponse', 'the manifest is no JSON', { cause });
  }
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${what} is no object`);
  }
  return value as Record<string, unknown>;
}

function invalid(message: string): OciError {
  return new OciError('InvalidResponse', message);
}
