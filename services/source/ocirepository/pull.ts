// Makes an artifact from a manifest of a registry: pulls the selected layer, and unpacks it or takes it as it is.
import { rm } from 'node:fs/promises';
import { type OCIRepositorySpec, Reason } from '@weir/api';
import { type Packed, packArtifact, sortByPath } from '@weir/artifact';
import {
  type Descriptor,
  type FetchedManifest,
  type ImageManifest,
  OciError,
  platformManifest,
  type Registry,
} from '@weir/oci';
import { messageOf } from '@weir/reconcile';
import type { RenderPool } from '@weir/render';
import { download } from '../shared/download.ts';
import { withoutIgnored } from '../shared/ignore.ts';
import type { ContentLimits } from '../shared/limits.ts';
import { filesOf } from '../shared/packed-file.ts';
import { archiveFailure, fetchFailure } from '../shared/snapshots.ts';
import type { Remote } from './credentials.ts';
import { unpack } from './layer.ts';
import { ociFailure } from './revision.ts';

/** Which layer of a manifest is wanted, and how. */
export interface Selection {
  layerSelector: OCIRepositorySpec['layerSelector'];
  ignore: string | undefined;
}

export interface PullOptions extends Selection {
  remote: Remote;
  /** Digest of the manifest. */
  digest: string;
  registry: Registry;
  limits: ContentLimits;
  /** Folder for files that are being made. */
  dir: string;
  pool: RenderPool;
  tenant: string;
  timeoutMs: number;
  /** Ends the pull. */
  signal: AbortSignal;
}

export interface Pulled {
  packed: Packed;
  /** The annotations of the manifest; undefined where it has none. */
  metadata: Record<string, string> | undefined;
}

/** How deep indexes may contain indexes. */
const MAX_DEPTH = 3;
/** Bytes of all annotations, which become part of the object's status. */
const MAX_METADATA = 64 * 1024;

/** @throws Failure with Flux's condition and message for the step that failed */
export async function pull(options: PullOptions): Promise<Pulled> {
  const image = await pullImage(options);
  const metadata = metadataOf(image);
  const layer = selectLayer(image, options.layerSelector?.mediaType);
  const isCopied = options.layerSelector?.operation === 'copy';
  const what = isCopied
    ? 'failed to copy layer from artifact'
    : 'failed to extract layer contents from artifact';
  const file = await downloadLayer(layer, isCopied, what, options);
  try {
    const packed = isCopied
      ? await asItIs(file, layer, options)
      : await extracted(file, what, options);
    return { packed, metadata };
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}

/** The manifest itself if it is an image, or the image for linux/amd64 of an index. */
async function pullImage(options: PullOptions): Promise<ImageManifest> {
  const { registry, remote, signal } = options;
  const what = `failed to pull artifact from '${remote.url}'`;
  try {
    let digest = options.digest;
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      const fetched: FetchedManifest = await registry.manifest(
        remote.repository.name,
        digest,
        signal,
      );
      const { manifest } = fetched;
      if (manifest.kind === 'image') return manifest;
      const child = platformManifest(manifest);
      if (child === undefined) {
        const message = `no child with platform linux/amd64 in index ${remote.repository.registry}/${remote.repository.name}@${digest}`;
        throw new OciError('InvalidResponse', message);
      }
      digest = child.digest;
    }
    throw new OciError('InvalidResponse', `indexes are nested more than ${MAX_DEPTH} times`);
  } catch (cause) {
    throw ociFailure(Reason.OCIArtifactPullFailed, what, cause);
  }
}

function metadataOf({ annotations }: ImageManifest): Record<string, string> | undefined {
  if (Object.keys(annotations).length === 0) return undefined;
  if (Buffer.byteLength(JSON.stringify(annotations)) <= MAX_METADATA) return annotations;
  const message = `failed to parse artifact manifest: its annotations have more than ${MAX_METADATA} bytes`;
  throw layerFailure(message);
}

function selectLayer({ layers }: ImageManifest, mediaType: string | undefined): Descriptor {
  if (layers.length === 0) throw layerFailure('no layers found in artifact');
  const layer = mediaType ? layers.find((it) => it.mediaType === mediaType) : layers[0];
  if (layer !== undefined) return layer;
  throw layerFailure(`failed to find layer with media type '${mediaType}' in artifact`);
}

async function downloadLayer(
  layer: Descriptor,
  isCopied: boolean,
  what: string,
  { registry, remote, dir, limits, signal }: PullOptions,
): Promise<string> {
  const [max, flag] = isCopied
    ? [limits.maxPackedBytes, '--artifact-max-packed-bytes']
    : [limits.maxBytes, '--artifact-max-bytes'];
  if (layer.size > max) {
    throw layerFailure(`${what}: the layer has ${layer.size} bytes, ${max} are allowed (${flag})`);
  }
  try {
    return (await download(registry.blob(remote.repository.name, layer, signal), dir)).file;
  } catch (cause) {
    throw ociFailure(Reason.OCIArtifactLayerOperationFailed, what, cause);
  }
}

/** The layer as an artifact. A layer that is no archive has an empty file index. */
async function asItIs(
  file: string,
  { digest, size }: Descriptor,
  { limits }: PullOptions,
): Promise<Packed> {
  try {
    return { file, digest, size, fileIndex: await filesOf(file, limits) };
  } catch (cause) {
    throw archiveFailure(cause);
  }
}

async function extracted(file: string, what: string, options: PullOptions): Promise<Packed> {
  const { limits, dir } = options;
  const layer = await unpack(file, limits).catch((cause: unknown) => {
    throw layerFailure(`${what}: ${messageOf(cause)}`, cause);
  });
  try {
    const kept = await withoutIgnored(layer.files, (wanted) => layer.read(wanted), options);
    const target = { dir, maxBytes: limits.maxPackedBytes };
    const packed = await packArtifact(layer.read(sortByPath(kept)), target);
    await rm(file, { force: true });
    return packed;
  } catch (cause) {
    throw archiveFailure(cause);
  } finally {
    await layer.remove();
  }
}

function layerFailure(message: string, cause?: unknown) {
  return fetchFailure(Reason.OCIArtifactLayerOperationFailed, message, cause);
}
