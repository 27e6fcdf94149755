import { access, constants } from 'node:fs/promises';
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
  /** The folder of its go.mod, below `modules/`. */
  module: string;
  package: string;
  ldflags?: string[];
  tags?: string[];
  /** Whether C is compiled as well: a compiler of C is needed beside Go. */
  cgo?: boolean;
  /** Files that the package embeds and that its published module lacks. Empty files are used in their place. */
  embeds?: { module: string; files: string[] };
}

function kubernetes(name: string): ToolSource {
  return {
    version: KUBERNETES,
    module: 'kubernetes',
    package: `k8s.io/kubernetes/cmd/${name}`,
    ldflags: KUBERNETES_VERSION,
  };
}

/** A controller of Flux, whose main package is at the root of its module. */
function fluxController(name: string, version: string): ToolSource {
  return { version, module: name, package: `github.com/fluxcd/${name}` };
}

/** The tools in the order in which they are built: small ones first, then Kubernetes, then Flux. */
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
      // The Kubernetes version that templates get when there is no cluster; Helm's own releases set it as well.
      '-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1',
      '-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=37',
    ],
  },
  // The version of Helm's library in the render engine.
  helm4: {
    version: 'v4.2.4',
    module: 'helm4',
    package: 'helm.sh/helm/v4/cmd/helm',
    ldflags: ['-X helm.sh/helm/v4/internal/version.version=v4.2.4'],
  },
  registry: {
    version: 'v3.1.2',
    module: 'registry',
    package: '.',
    ldflags: ['-X github.com/distribution/distribution/v3/version.version=v3.1.2'],
  },
  'ssh-server': { version: 'v0.58.0', module: 'ssh-server', package: '.' },
  versitygw: {
    version: 'v1.8.0',
    module: 'versitygw',
    package: 'github.com/versity/versitygw/cmd/versitygw',
    ldflags: ['-X main.Version=v1.8.0'],
  },
  sops: {
    version: 'v3.13.2',
    module: 'sops',
    package: 'github.com/getsops/sops/v3/cmd/sops',
  },
  'age-keygen': { version: 'v1.3.1', module: 'sops', package: 'filippo.io/age/cmd/age-keygen' },
  'otel-collector': {
    version: 'v0.165.0',
    module: 'otel-collector',
    package: '.',
    ldflags: ['-X main.version=v0.165.0'],
  },
  gitea: {
    version: 'v1.25.4',
    module: 'gitea',
    package: 'code.gitea.io/gitea',
    ldflags: ['-X main.Version=1.25.4'],
    tags: ['sqlite', 'sqlite_unlock_notify'],
    // Its database is SQLite, which is C.
    cgo: true,
  },
  flux: {
    version: 'v2.9.5',
    module: 'flux',
    package: 'github.com/fluxcd/flux2/v2/cmd/flux',
    ldflags: ['-X main.VERSION=2.9.5'],
    // These are the manifests that `flux install` applies. Flux generates them for its releases; they aren't needed here.
    embeds: { module: 'github.com/fluxcd/flux2/v2', files: ['cmd/flux/manifests/none.yaml'] },
  },
  'source-controller': fluxController('source-controller', 'v1.9.6'),
  'kustomize-controller': fluxController('kustomize-controller', 'v1.9.6'),
  'helm-controller': fluxController('helm-controller', 'v1.6.4'),
  'notification-controller': fluxController('notification-controller', 'v1.9.3'),
  'image-reflector-controller': fluxController('image-reflector-controller', 'v1.1.1'),
  'image-automation-controller': fluxController('image-automation-controller', 'v1.1.2'),
} satisfies Record<string, ToolSource>;

export type Tool = keyof typeof SOURCES;
export const TOOLS = Object.keys(SOURCES) as Tool[];

/** Flux's own binaries. */
export const PEERS = [
  'flux',
  'source-controller',
  'kustomize-controller',
  'helm-controller',
  'notification-controller',
  'image-reflector-controller',
  'image-automation-controller',
] as const satisfies Tool[];

/** The binaries of Flux that `npm test` runs. The others are for recordings and benchmarks, and are built when needed. */
const TESTED_PEERS: readonly Tool[] = [
  'flux',
  'source-controller',
  'kustomize-controller',
  'helm-controller',
];

/** Built when a test of `npm run e2e` asks for them: Gitea takes three minutes where Go's cache is empty. */
const FOR_E2E: readonly Tool[] = ['gitea', 'sops', 'age-keygen'];

/** The tools that `npm test` needs. */
export const TEST_TOOLS = TOOLS.filter(
  (tool) =>
    !FOR_E2E.includes(tool) &&
    (!(PEERS as readonly Tool[]).includes(tool) || TESTED_PEERS.includes(tool)),
);

/** The environment variables that name a folder of ready binaries, and the tools that such a folder may contain. */
const BROUGHT: Record<string, readonly Tool[]> = {
  // The variable and the names are those of controller-runtime's envtest.
  KUBEBUILDER_ASSETS: ['etcd', 'kube-apiserver', 'kubectl'],
  PEER_BIN: PEERS,
};

export interface BuildToolsOptions {
  /** Gets lines about the progress; by default they go to stderr. */
  progress?: (line: string) => void;
  /** Default: `process.env`. */
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
}

/**
 * The paths of the wanted binaries. A binary is taken from `KUBEBUILDER_ASSETS` or `PEER_BIN`, else from the cache
 * (`$WEIR_CACHE`, else `weir` in the user's cache folder), else it is built, which takes minutes when Go's own cache is
 * empty. Rejects with the output of the build when that fails.
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
    paths.set(tool, (await findBrought(env, tool)) ?? (await build(tool, options)));
  }
  return paths;
}

/** The path of one binary; see {@link buildTools}. */
export async function buildTool(tool: Tool, options: BuildToolsOptions = {}): Promise<string> {
  const path = (await buildTools([tool], options)).get(tool);
  if (path === undefined) throw new Error(`there is no tool ${tool}`);
  return path;
}

async function build(
  tool: Tool,
  options: Pick<GoBuildOptions, 'cacheDir' | 'onProgress' | 'signal'>,
): Promise<string> {
  const {
    version,
    module,
    package: target,
    ldflags = [],
    tags,
    cgo = false,
    embeds,
  }: ToolSource = SOURCES[tool];
  return goBuild({
    ...options,
    name: `${tool}-${version}`,
    module: join(import.meta.dirname, 'modules', module),
    package: target,
    ldflags: ['-s', '-w', ...ldflags].join(' '),
    ...(tags === undefined ? {} : { tags }),
    cgo,
    ...(embeds === undefined ? {} : { embeds }),
  });
}

async function findBrought(env: NodeJS.ProcessEnv, tool: Tool): Promise<string | undefined> {
  for (const [variable, tools] of Object.entries(BROUGHT)) {
    const folder = env[variable];
    if (!folder || !tools.includes(tool)) continue;
    const path = join(folder, tool);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}
