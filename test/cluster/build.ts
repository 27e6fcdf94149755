import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, type GoBuildOptions, goBuild } from '@weir/render/gobuild';

const KUBERNETES = 'v1.36.3';
const KUBERNETES_VERSION = [
  '-X k8s.io/component-base/version.gitMajor=1',
  '-X k8s.io/component-base/version.gitMinor=36',
  `-X k8s.io/component-base/version.gitVersion=${KUBERNETES}`,
];

interface ToolSource {
  version: string;
  /** Folder below `modules/`. */
  module: string;
  package: string;
  ldflags?: string[];
}

function kubernetes(name: string): ToolSource {
  return {
    version: KUBERNETES,
    module: 'kubernetes',
    package: `k8s.io/kubernetes/cmd/${name}`,
    ldflags: KUBERNETES_VERSION,
  };
}

/** In the order in which they are built: small ones first, those of Kubernetes together. */
const SOURCES = {
  'nats-server': {
    version: 'v2.15.2',
    module: 'nats-server',
    package: 'github.com/nats-io/nats-server/v2',
  },
  etcd: { version: 'v3.6.16', module: 'etcd', package: 'go.etcd.io/etcd/server/v3' },
  'kube-apiserver': kubernetes('kube-apiserver'),
  'kube-controller-manager': kubernetes('kube-controller-manager'),
  'kube-scheduler': kubernetes('kube-scheduler'),
  kubectl: kubernetes('kubectl'),
  kwok: { version: 'v0.8.0', module: 'kwok', package: 'sigs.k8s.io/kwok/cmd/kwok' },
  helm: {
    version: 'v3.22.0',
    module: 'helm',
    package: 'helm.sh/helm/v3/cmd/helm',
    ldflags: [
      '-X helm.sh/helm/v3/internal/version.version=v3.22.0',
      // The Kubernetes version that templates see without a cluster, as in Helm's own releases.
      '-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1',
      '-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=37',
    ],
  },
} satisfies Record<string, ToolSource>;

export type Tool = keyof typeof SOURCES;
export const TOOLS = Object.keys(SOURCES) as Tool[];

/** Binaries that `KUBEBUILDER_ASSETS` may hold (the layout of controller-runtime's envtest). */
const ASSETS: readonly Tool[] = ['etcd', 'kube-apiserver', 'kubectl'];

export interface BuildToolsOptions {
  /** Gets lines for people; default: stderr. */
  progress?: (line: string) => void;
  /** Default: `process.env`. */
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
}

/**
 * Paths of the asked binaries. Those that neither `KUBEBUILDER_ASSETS` nor the cache (`$WEIR_CACHE`, else `weir` in the
 * user's cache folder) holds are built, which takes minutes when Go's own cache is empty.
 */
export async function buildTools(
  wanted: Iterable<Tool>,
  options: BuildToolsOptions = {},
): Promise<Map<Tool, string>> {
  const { env = process.env, progress = console.error, signal } = options;
  const asked = new Set(wanted);
  const tools = TOOLS.filter((tool) => asked.has(tool));
  const paths = new Map<Tool, string>();
  for (const [index, tool] of tools.entries()) {
    const options = {
      cacheDir: cacheFolder(env),
      onProgress: (line: string) => progress(`(${index + 1} of ${tools.length}) ${line}`),
      ...(signal === undefined ? {} : { signal }),
    };
    const asset = await findAsset(env.KUBEBUILDER_ASSETS, tool);
    paths.set(tool, asset ?? (await buildTool(tool, options)));
  }
  return paths;
}

async function buildTool(
  tool: Tool,
  options: Pick<GoBuildOptions, 'cacheDir' | 'onProgress' | 'signal'>,
): Promise<string> {
  const { version, module, package: target, ldflags = [] }: ToolSource = SOURCES[tool];
  return goBuild({
    ...options,
    name: `${tool}-${version}`,
    module: join(import.meta.dirname, 'modules', module),
    package: target,
    ldflags: ['-s', '-w', ...ldflags].join(' '),
  });
}

async function findAsset(assets: string | undefined, tool: Tool): Promise<string | undefined> {
  if (!assets || !ASSETS.includes(tool)) return undefined;
  const path = join(assets, tool);
  return access(path).then(
    () => path,
    () => undefined,
  );
}
