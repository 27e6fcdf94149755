// The import rules of the house: services stand alone, libs never look up, and whatever a package
// imports is named in its own package.json. `npm run check` fails when one is broken.
import { globSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

const TESTS = '\\.(test|cases)\\.ts$|/testing/|/testdata/|/testing\\.ts$|/bench\\.ts$';

/** The libs from the ground up: each imports only from layers below its own. */
const LAYERS = [
  ['telemetry', 'async', 'net'],
  [
    'kube',
    'bus',
    'render',
    'git',
    'oci',
    'helm',
    'objectstore',
    'sigstore',
    'forge',
    'kms',
    'oauth',
  ],
  ['api', 'events', 'credentials', 'identity'],
  ['artifact', 'controller'],
  ['service', 'apply'],
  ['clusters'],
  ['reconcile'],
  ['sources'],
];

/** One backend each, without any kind of Flux inside. */
const BACKENDS = 'git|oci|helm|objectstore|sigstore|forge|identity|kms|oauth|net|render';

function layerRule(layer, index) {
  const below = LAYERS.slice(0, index).flat();
  return {
    name: `a-lib-imports-from-below (${layer.join(', ')})`,
    comment: 'Libs are layered: see LAYERS. Move what both need further down.',
    severity: 'error',
    from: { path: `^libs/(${layer.join('|')})/`, pathNot: TESTS },
    to: { path: '^libs/', pathNot: [`^libs/(${below.join('|') || '-'})/`, '^libs/$1/'] },
  };
}

/** A lib that stands in no layer would be checked by no rule. */
const unlayered = globSync('libs/*/package.json')
  .map((path) => dirname(path).slice('libs/'.length))
  .filter((lib) => !LAYERS.flat().includes(lib));
if (unlayered.length > 0) throw new Error(`give these libs a layer: ${unlayered.join(', ')}`);

/** Every workspace package: its folder and the names of the workspace packages it declares. */
function workspaces() {
  const manifests = globSync([
    'libs/*/package.json',
    'services/*/package.json',
    'test/*/package.json',
  ]);
  const read = (path) => JSON.parse(readFileSync(path, 'utf8'));
  const folders = new Map(manifests.map((path) => [read(path).name, dirname(path)]));
  return manifests.map((path) => {
    const { dependencies = {}, devDependencies = {} } = read(path);
    const reach = (names) => Object.keys(names).flatMap((name) => folders.get(name) ?? []);
    return { folder: dirname(path), declared: reach({ ...dependencies, ...devDependencies }) };
  });
}

/** Workspace links resolve to real folders, so what is declared is checked by folder. */
function declaredOnly({ folder, declared }) {
  return {
    name: `undeclared-workspace-package (${folder})`,
    comment: 'Declare the workspace packages that you import in your own package.json.',
    severity: 'error',
    from: { path: `^${folder}/` },
    to: {
      path: '^(libs|services|test)/[^/]+/',
      pathNot: [folder, ...declared].map((reachable) => `^${reachable}/`),
    },
  };
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-service-imports-a-service',
      comment:
        'Services hand work to each other over NATS and Kubernetes, never by a call; only the host starts them.',
      severity: 'error',
      from: { path: '^services/([^/]+)/', pathNot: '^services/host/' },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'no-lib-imports-a-service',
      comment: 'A lib is shared by services and knows none of them.',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^services/' },
    },
    {
      name: 'no-test-tools-in-products',
      comment: 'The embedded cluster and its servers are for tests; what ships cannot need them.',
      severity: 'error',
      from: { path: '^(libs|services)/', pathNot: TESTS },
      to: { path: '^test/' },
    },
    {
      name: 'no-relative-way-into-another-package',
      comment: 'Packages are imported by their name, through their exports.',
      severity: 'error',
      from: { path: '^((?:libs|services|test)/[^/]+)/' },
      to: { path: '^(libs|services|test)/[^/]+/', pathNot: '^$1/', dependencyTypes: ['local'] },
    },
    ...LAYERS.map(layerRule),
    {
      name: 'no-kind-imports-a-sibling-kind',
      comment: 'What two kinds need belongs into shared/ beside them, or into a lib.',
      severity: 'error',
      from: { path: '^services/([^/]+)/([^/]+)/', pathNot: ['/shared/', TESTS] },
      to: {
        path: '^services/$1/[^/]+/',
        pathNot: ['^services/$1/($2|shared|testing)/', '^services/(notification|host)/'],
      },
    },
    {
      name: 'no-backend-knows-a-kind',
      comment:
        'A backend speaks its protocol; kinds and their schemas stay with those who call it.',
      severity: 'error',
      from: { path: `^libs/(${BACKENDS})/`, pathNot: TESTS },
      to: { path: '^libs/api/' },
    },
    {
      name: 'nats-behind-the-bus',
      comment: 'Only libs/bus and libs/artifact speak to NATS themselves.',
      severity: 'error',
      from: { path: '^(libs|services)/', pathNot: ['^libs/(bus|artifact)/', TESTS] },
      to: { path: 'node_modules/@nats-io/' },
    },
    ...workspaces().map(declaredOnly),
    {
      name: 'no-undeclared-library',
      comment: 'Declare what you import in the package.json of the package that imports it.',
      severity: 'error',
      from: { path: '^(libs|services|test)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
    {
      name: 'no-unresolvable',
      comment: 'An import that resolves to nothing fails at run time.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-circular',
      comment: 'A cycle has no first file to read.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
