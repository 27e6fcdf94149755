// Pushes to a registry as `flux push artifact` or `oras` do, for tests: no retries, no streaming.
import { gzipSync } from 'node:zlib';
import { digestOf } from '../digest.ts';
import { type Descriptor, MediaType } from '../manifest.ts';

export interface PushTarget {
  /** URL of the registry. */
  url: string;
  /** The Authorization header. */
  authorization?: string | undefined;
}

export interface Layer {
  mediaType?: string;
  content: Buffer;
}

export interface ArtifactToPush {
  tag?: string;
  layers: Layer[];
  annotations?: Record<string, string>;
  artifactType?: string;
  subject?: Descriptor;
  configMediaType?: string;
}

/** The media type of the layer that `flux push artifact` makes. */
export const FLUX_LAYER = 'application/vnd.cncf.flux.content.v1.tar+gzip';
const FLUX_CONFIG = 'application/vnd.cncf.flux.config.v1+json';

/** Pushes layers and a manifest, and gives the manifest's descriptor. */
export async function pushArtifact(
  target: PushTarget,
  name: string,
  artifact: ArtifactToPush,
): Promise<Descriptor> {
  const config = await pushBlob(target, name, Buffer.from('{}'));
  const layers = [];
  for (const { mediaType = FLUX_LAYER, content } of artifact.layers) {
    layers.push({ mediaType, ...(await pushBlob(target, name, content)) });
  }
  const { artifactType, annotations, subject, configMediaType = FLUX_CONFIG } = artifact;
  return pushManifest(
    target,
    name,
    {
      ...{ schemaVersion: 2, mediaType: MediaType.image },
      ...(artifactType === undefined ? {} : { artifactType }),
      ...{ config: { mediaType: configMediaType, ...config }, layers },
      ...(annotations === undefined ? {} : { annotations }),
      ...(subject === undefined ? {} : { subject }),
    },
    artifact.tag,
  );
}

/** Pushes any manifest as JSON, or as the very bytes given. */
export async function pushManifest(
  target: PushTarget,
  name: string,
  manifest: object | Buffer,
  tag?: string,
): Promise<Descriptor> {
  const bytes = Buffer.isBuffer(manifest) ? manifest : Buffer.from(JSON.stringify(manifest));
  const { mediaType = MediaType.image } = JSON.parse(bytes.toString()) as { mediaType?: string };
  const digest = digestOf(bytes);
  const url = `${target.url}/v2/${name}/manifests/${tag ?? digest}`;
  await put(target, 'PUT', url, bytes, mediaType);
  return { mediaType, digest, size: bytes.length };
}

export async function pushBlob(
  target: PushTarget,
  name: string,
  content: Buffer,
): Promise<Pick<Descriptor, 'digest' | 'size'>> {
  const digest = digestOf(content);
  const start = await put(target, 'POST', `${target.url}/v2/${name}/blobs/uploads/`);
  const url = new URL(start.headers.get('location') ?? '', target.url);
  url.searchParams.set('digest', digest);
  await put(target, 'PUT', url.href, content, 'application/octet-stream');
  return { digest, size: content.length };
}

async function put(
  { authorization }: PushTarget,
  method: string,
  url: string,
  content?: Buffer,
  mediaType?: string,
): Promise<Response> {
  const headers = new Headers();
  if (authorization !== undefined) headers.set('authorization', authorization);
  if (mediaType !== undefined) headers.set('content-type', mediaType);
  const body = content === undefined ? {} : { body: new Uint8Array(content) };
  const response = await fetch(url, { method, headers, ...body });
  if (!response.ok)
    throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
  return response;
}

/** A file, link or folder of a tar. `header` changes bytes of its header, for entries that no tool would write. */
export interface TarEntry {
  path: string;
  content?: string | Buffer;
  mode?: number;
  /** `0` a file, `1` a hard link, `2` a symbolic link, `5` a folder (POSIX.1-1988). */
  type?: string;
  link?: string;
}

/** A tar.gz of these entries, with any path that fits into the header (100 bytes). */
export function tarGz(entries: TarEntry[]): Buffer {
  return gzipSync(tar(entries));
}

export function tar(entries: TarEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? '');
    const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
    return [tarHeader(entry, content.length), content, padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function tarHeader({ path, mode = 0o644, type = '0', link = '' }: TarEntry, size: number): Buffer {
  const header = Buffer.alloc(512);
  header.write(path, 0, 100);
  header.write(`${mode.toString(8).padStart(7, '0')}\0`, 100);
  header.write('0000000\x000000000\0', 108);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write(link, 157, 100);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}
