// Sources without a source service: a test stores the artifact and writes the status of the object itself.
import { type Artifact, GitRepository } from '@weir/api';
import { artifactPath, publishArtifact } from '@weir/artifact';
import { packInMemory, putArtifact } from '@weir/artifact/testing';
import type { KubeClient, KubeObject, ResourceType } from '@weir/kube';
import type { Platform } from './platform.ts';

/** The content of files by their paths. */
export type Files = Record<string, string>;

export interface SourceOptions {
  /** The kind of the source; GitRepository unless given. */
  kind?: ResourceType & { apiVersion: string };
  name?: string;
  /** Of the source; what the kind needs unless given. */
  spec?: object | undefined;
  revision: string;
  /** Whether to announce the artifact over NATS; true unless given. Otherwise only the watch of the object shows it. */
  announce?: boolean;
  traceparent?: string | undefined;
  /** URL of a server that has the artifact; unless given nobody answers there, and the store has it alone. */
  server?: string | undefined;
}

/** Stores a new artifact of a source, writes it into the source's status and announces it. Returns the artifact. */
export async function publishFiles(
  { client, store, bus }: Pick<Platform, 'client' | 'store' | 'bus'>,
  namespace: string,
  files: Files,
  options: SourceOptions,
): Promise<Artifact> {
  const { kind = GitRepository, name = 'git', spec, revision } = options;
  const { announce = true, traceparent, server = 'http://127.0.0.1:1' } = options;
  const entries = Object.entries(files).map(([path, content]) => ({
    path,
    mode: 0o644,
    content: Buffer.from(content),
  }));
  const packed = await packInMemory(entries);
  await putArtifact(store, packed);
  const path = artifactPath(kind.kind, namespace, name, packed.digest);
  const artifact: Artifact = {
    revision,
    digest: packed.digest,
    size: packed.size,
    path,
    url: `${server}/${path}`,
    lastUpdateTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
  };
  const source = await writeSource(client, kind, { namespace, name }, { artifact, spec });
  const { uid = '', resourceVersion = '' } = source.metadata;
  if (announce) {
    const about = { kind: kind.kind, namespace, name, uid, resourceVersion };
    publishArtifact(bus, { ...about, artifact }, traceparent);
  }
  return artifact;
}

/** What the schema of a kind asks for. */
const SPECS: Record<string, object> = {
  GitRepository: { interval: '1h', url: 'https://example.com/repository' },
  HelmChart: {
    interval: '1h',
    chart: 'app',
    sourceRef: { kind: 'HelmRepository', name: 'charts' },
  },
  OCIRepository: { interval: '1h', url: 'oci://example.com/charts/app' },
};

async function writeSource(
  client: KubeClient,
  type: ResourceType & { apiVersion: string },
  metadata: { namespace: string; name: string },
  { artifact, spec = SPECS[type.kind] ?? {} }: { artifact: Artifact; spec?: object | undefined },
): Promise<KubeObject> {
  const { apiVersion, kind } = type;
  const body = { apiVersion, kind, metadata, spec };
  const applied = await client.apply(type, body, { fieldManager: 'test', force: true });
  const status = { observedGeneration: applied.metadata.generation ?? 1, artifact };
  return client.patch(type, metadata, { status }, { kind: 'merge', subresource: 'status' });
}
