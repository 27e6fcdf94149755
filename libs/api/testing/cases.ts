// Objects with the verdict that an API server must give on them. validate.test.ts asks our validator,
// api-server.test.ts a real API server: both must agree.

import { ImagePolicy } from '../image/imagepolicy.ts';
import { ImageRepository } from '../image/imagerepository.ts';
import { Kustomization } from '../kustomize/kustomization.ts';
import { Alert } from '../notification/alert.ts';
import { Provider } from '../notification/provider.ts';
import type { Kind } from '../schema/kind.ts';
import { Bucket } from '../source/bucket.ts';
import { ExternalArtifact } from '../source/externalartifact.ts';
import { GitRepository } from '../source/gitrepository.ts';
import { HelmChart } from '../source/helmchart.ts';
import { HelmRepository } from '../source/helmrepository.ts';
import { OCIRepository } from '../source/ocirepository.ts';

export interface Case {
  readonly title: string;
  readonly kind: Kind;
  readonly spec: unknown;
  /** Where the error is; undefined for an object that is fine. */
  readonly wrong?: string;
}

const oci = { url: 'oci://example.com/org/app', interval: '1m' };
const bucket = { interval: '1m', bucketName: 'app', endpoint: 's3.example.com' };
const sts = { provider: 'ldap', endpoint: 'https://sts.example.com' };
const git = { url: 'https://example.com/app.git', interval: '1m' };
const kustomization = {
  interval: '10m',
  prune: true,
  sourceRef: { kind: 'GitRepository', name: 'app' },
};
const provider = { type: 'slack' };
const alert = {
  providerRef: { name: 'chat' },
  eventSources: [{ kind: 'Kustomization', name: '*' }],
};

function cases(kind: Kind, base: object, rows: [string, object, string?][]): Case[] {
  return rows.map(([title, spec, wrong]) => ({
    title: `${kind.kind}: ${title}`,
    kind,
    spec: { ...base, ...spec },
    ...(wrong && { wrong }),
  }));
}

const ociRepositories = cases(OCIRepository, oci, [
  ['the least', {}],
  ['an address without a scheme', { url: 'example.com/org/app' }, 'spec.url'],
  ['an interval without a unit', { interval: '60' }, 'spec.interval'],
  ['a timeout in hours', { timeout: '1h' }, 'spec.timeout'],
  ['any ref', { ref: { digest: 'a', semver: '>1', semverFilter: 'rc', tag: 'b' } }],
  ['a tag of a wrong type', { ref: { tag: 1 } }, 'spec.ref.tag'],
  ['a layer to copy', { layerSelector: { mediaType: 'a/b', operation: 'copy' } }],
  [
    'an unknown operation',
    { layerSelector: { operation: 'move' } },
    'spec.layerSelector.operation',
  ],
  ['an unknown provider', { provider: 'oracle' }, 'spec.provider'],
  ['a certificate Secret without a name', { certSecretRef: {} }, 'spec.certSecretRef.name'],
  ['verification with its default provider', { verify: { secretRef: { name: 'keys' } } }],
  ['verification by another tool', { verify: { provider: 'gpg' } }, 'spec.verify.provider'],
  [
    'an identity without a subject',
    { verify: { matchOIDCIdentity: [{ issuer: 'a' }] } },
    'spec.verify.matchOIDCIdentity.0.subject',
  ],
]);

const buckets = cases(Bucket, bucket, [
  ['the least', {}],
  ['no endpoint', { endpoint: undefined }, 'spec.endpoint'],
  ['no name', { bucketName: undefined }, 'spec.bucketName'],
  ['an interval without a unit', { interval: '60' }, 'spec.interval'],
  ['a timeout in hours', { timeout: '1h' }, 'spec.timeout'],
  ['an unknown provider', { provider: 'oracle' }, 'spec.provider'],
  ['a Secret without a name', { secretRef: {} }, 'spec.secretRef.name'],
  ['a login of a directory', { sts: { ...sts, secretRef: { name: 'login' } } }],
  ['a token service without a scheme', { sts: { ...sts, endpoint: 'sts' } }, 'spec.sts.endpoint'],
  ['a token service of AWS', { provider: 'aws', sts: { ...sts, provider: 'aws' } }],
  ['a token service of AWS for another server', { sts: { ...sts, provider: 'aws' } }, 'spec'],
  ['a directory for AWS', { provider: 'aws', sts }, 'spec'],
  ['a token service for Azure', { provider: 'azure', sts }, 'spec'],
  [
    'a login for AWS',
    { provider: 'aws', sts: { ...sts, provider: 'aws', secretRef: { name: 'login' } } },
    'spec',
  ],
  [
    'a certificate for AWS',
    { provider: 'aws', sts: { ...sts, provider: 'aws', certSecretRef: { name: 'tls' } } },
    'spec',
  ],
  ['an account of a cloud', { provider: 'gcp', serviceAccountName: 'app' }],
  ['an account without a cloud', { serviceAccountName: 'app' }, 'spec'],
  [
    'an account and keys',
    { provider: 'gcp', serviceAccountName: 'app', secretRef: { name: 'keys' } },
    'spec',
  ],
]);

const helmRepositories = cases(HelmRepository, { url: 'https://example.com/charts' }, [
  ['the least', {}],
  ['a registry', { url: 'oci://example.com/charts', type: 'oci', insecure: true }],
  ['another scheme', { url: 'ftp://example.com' }, 'spec.url'],
  ['an unknown type', { type: 'http' }, 'spec.type'],
  ['an interval in days', { interval: '1d' }, 'spec.interval'],
  ['an unknown provider', { provider: 'oracle' }, 'spec.provider'],
  ['a Secret without a name', { secretRef: {} }, 'spec.secretRef.name'],
  ['access from labels', { accessFrom: { namespaceSelectors: [{ matchLabels: { a: 'b' } }] } }],
  ['access from nowhere', { accessFrom: {} }, 'spec.accessFrom.namespaceSelectors'],
]);

const chart = { chart: 'app', interval: '1m', sourceRef: { kind: 'HelmRepository', name: 'a' } };

const helmCharts = cases(HelmChart, chart, [
  ['the least', {}],
  ['no chart', { chart: undefined }, 'spec.chart'],
  ['no interval', { interval: undefined }, 'spec.interval'],
  [
    'a source of another kind',
    { sourceRef: { kind: 'OCIRepository', name: 'a' } },
    'spec.sourceRef.kind',
  ],
  ['an unknown strategy', { reconcileStrategy: 'Always' }, 'spec.reconcileStrategy'],
  ['values files', { valuesFiles: ['a', 'b'], ignoreMissingValuesFiles: true }],
  ['verification with its default provider', { verify: { secretRef: { name: 'keys' } } }],
  [
    'verification of what is no repository',
    { verify: {}, sourceRef: { kind: 'Bucket', name: 'a' } },
    'spec',
  ],
]);

const gitRepositories = cases(GitRepository, git, [
  ['the least', {}],
  ['over ssh', { url: 'ssh://git@example.com/app' }],
  ['an address in the short form of ssh', { url: 'git@example.com:app' }, 'spec.url'],
  ['no address', { url: undefined }, 'spec.url'],
  ['an empty address', { url: '' }, 'spec.url'],
  ['a long interval', { interval: '1h30m15.5s' }],
  ['an interval without a unit', { interval: '60' }, 'spec.interval'],
  ['an interval in days', { interval: '1d' }, 'spec.interval'],
  ['a negative interval', { interval: '-1m' }, 'spec.interval'],
  ['a number as interval', { interval: 60 }, 'spec.interval'],
  ['no interval', { interval: null }, 'spec.interval'],
  ['a timeout in hours', { timeout: '1h' }, 'spec.timeout'],
  ['no timeout', { timeout: null }],
  ['any ref', { ref: { branch: 'a', tag: 'b', semver: '>1', name: 'refs/heads/c', commit: 'd' } }],
  ['a ref of a wrong type', { ref: 'main' }, 'spec.ref'],
  ['a branch of a wrong type', { ref: { branch: 1 } }, 'spec.ref.branch'],
  ['a null branch', { ref: { branch: null } }],
  ['a secret without a name', { secretRef: {} }, 'spec.secretRef.name'],
  ['an unknown field', { sceretRef: { name: 'x' } }],
  ['a provider', { provider: 'github' }],
  ['an unknown provider', { provider: 'gitlab' }, 'spec.provider'],
  [
    'a service account with a provider that has none',
    { serviceAccountName: 'a', provider: 'github' },
    'spec',
  ],
  ['a service account without a provider', { serviceAccountName: 'a' }, 'spec'],
  ['a service account with azure', { serviceAccountName: 'a', provider: 'azure' }],
  ['verification with its default mode', { verify: { secretRef: { name: 'keys' } } }],
  [
    'verification in an unknown mode',
    { verify: { mode: 'tag', secretRef: { name: 'keys' } } },
    'spec.verify.mode',
  ],
  ['verification without keys', { verify: { mode: 'HEAD' } }, 'spec.verify.secretRef'],
  ['an inclusion', { include: [{ repository: { name: 'a' }, fromPath: 'x', toPath: 'y' }] }],
  [
    'an inclusion of nothing',
    { include: [{ repository: { name: 'a' } }, { toPath: 'y' }] },
    'spec.include.1.repository',
  ],
  ['a null in a list', { sparseCheckout: ['a', null] }, 'spec.sparseCheckout.1'],
  ['a string for a boolean', { suspend: 'true' }, 'spec.suspend'],
]);

const externalArtifacts = cases(ExternalArtifact, {}, [
  ['the least', {}],
  ['an origin', { sourceRef: { apiVersion: 'example.com/v1', kind: 'Source', name: 'a' } }],
  ['an origin without a name', { sourceRef: { kind: 'Source' } }, 'spec.sourceRef.name'],
  ['an origin without a kind', { sourceRef: { name: 'a' } }, 'spec.sourceRef.kind'],
]);

const kustomizations = cases(Kustomization, kustomization, [
  ['the least', {}],
  ['no prune', { prune: undefined }, 'spec.prune'],
  ['no source', { sourceRef: undefined }, 'spec.sourceRef'],
  [
    'a source of another kind',
    { sourceRef: { kind: 'HelmRepository', name: 'a' } },
    'spec.sourceRef.kind',
  ],
  ['an interval in hours', { interval: '1h', timeout: '1h', retryInterval: '1h' }],
  ['an empty prefix', { namePrefix: '' }, 'spec.namePrefix'],
  ['a prefix of 200 characters', { namePrefix: 'é'.repeat(200) }],
  ['a prefix of 200 characters outside the basic plane', { namePrefix: '🚀'.repeat(200) }],
  ['a prefix of 200 letters with accents of their own', { namePrefix: 'e\u0301'.repeat(100) }],
  ['a prefix of 101 such letters', { namePrefix: 'e\u0301'.repeat(101) }, 'spec.namePrefix'],
  ['a suffix of 201 characters', { nameSuffix: 'x'.repeat(201) }, 'spec.nameSuffix'],
  ['a namespace that is too long', { targetNamespace: 'x'.repeat(64) }, 'spec.targetNamespace'],
  ['a kubeconfig from a secret', { kubeConfig: { secretRef: { name: 'a', key: 'b' } } }],
  ['a kubeconfig from nowhere', { kubeConfig: {} }, 'spec.kubeConfig'],
  [
    'a kubeconfig from two places',
    { kubeConfig: { secretRef: { name: 'a' }, configMapRef: { name: 'a' } } },
    'spec.kubeConfig',
  ],
  [
    'variables',
    { postBuild: { substitute: { a: 'b' }, substituteFrom: [{ kind: 'Secret', name: 's' }] } },
  ],
  [
    'a variable that is a number',
    { postBuild: { substitute: { a: 1 } } },
    'spec.postBuild.substitute.a',
  ],
  ['a variable that is null', { postBuild: { substitute: { a: null, b: 'c' } } }],
  [
    'variables from a Deployment',
    { postBuild: { substituteFrom: [{ kind: 'Deployment', name: 's' }] } },
    'spec.postBuild.substituteFrom.0.kind',
  ],
  [
    'variables from an object without a name',
    { postBuild: { substituteFrom: [{ kind: 'Secret', name: '' }] } },
    'spec.postBuild.substituteFrom.0.name',
  ],
  ['patches', { patches: [{ patch: '[]', target: { kind: 'Deployment' } }] }],
  ['a patch without a patch', { patches: [{ target: {} }] }, 'spec.patches.0.patch'],
  ['images', { images: [{ name: 'a', newName: 'b', newTag: 'c', digest: 'd' }] }],
  [
    'decryption by something else',
    { decryption: { provider: 'vault' } },
    'spec.decryption.provider',
  ],
  ['a deletion policy', { deletionPolicy: 'Orphan' }],
  ['an unknown deletion policy', { deletionPolicy: 'orphan' }, 'spec.deletionPolicy'],
  ['unknown build metadata', { buildMetadata: ['origin'] }, 'spec.buildMetadata.0'],
  ['health expressions', { healthCheckExprs: [{ apiVersion: 'v1', current: 'true' }] }],
  [
    'a health expression without an end',
    { healthCheckExprs: [{ apiVersion: 'v1', kind: 'X' }] },
    'spec.healthCheckExprs.0.current',
  ],
  ['a health check of an object', { healthChecks: [{ kind: 'Deployment', name: 'a' }] }],
  ['an ignore rule without paths', { ignore: [{ target: {} }] }, 'spec.ignore.0.paths'],
  ['labels', { commonMetadata: { labels: { 'a/b': 'c' }, annotations: {} } }],
]);

const providers = cases(Provider, provider, [
  ['the least', {}],
  ['no type', { type: undefined }, 'spec.type'],
  ['an unknown type', { type: 'Slack' }, 'spec.type'],
  ['a type that v1 took up', { type: 'mastodon' }],
  ['Feishu', { type: 'lark', address: 'https://example.com/hook' }],
  ['a long address', { address: 'x'.repeat(2049) }, 'spec.address'],
  ['a proxy', { proxy: 'http://proxy:3128' }],
  ['a proxy of another scheme', { proxy: 'socks5://proxy' }, 'spec.proxy'],
  ['a timeout in hours', { timeout: '1h' }, 'spec.timeout'],
  ['a commit status of a chat', { commitStatusExpr: "'a'" }, 'spec'],
  ['a commit status of a Git host', { type: 'gitea', commitStatusExpr: "'a'" }],
]);

const alerts = cases(Alert, alert, [
  ['the least', {}],
  ['no provider', { providerRef: undefined }, 'spec.providerRef'],
  ['no sources', { eventSources: undefined }, 'spec.eventSources'],
  ['an empty list of sources', { eventSources: [] }],
  ['an unknown severity', { eventSeverity: 'warning' }, 'spec.eventSeverity'],
  [
    'a source of another kind',
    { eventSources: [{ kind: 'Pod', name: '*' }] },
    'spec.eventSources.0.kind',
  ],
  [
    'a source without a name',
    { eventSources: [{ kind: 'Bucket', name: '' }] },
    'spec.eventSources.0.name',
  ],
  ['a long summary', { summary: 'x'.repeat(256) }, 'spec.summary'],
  ['a short summary', { summary: 'x'.repeat(255) }],
  ['metadata', { eventMetadata: { cluster: 'a' }, inclusionList: ['a'], exclusionList: ['b'] }],
]);

const imageRepositories = cases(ImageRepository, { image: 'example.com/app', interval: '1m' }, [
  ['the least', {}],
  ['no image', { image: undefined }, 'spec.image'],
  ['no interval', { interval: undefined }, 'spec.interval'],
  ['a timeout in hours', { timeout: '1h' }, 'spec.timeout'],
  ['an unknown provider', { provider: 'oracle' }, 'spec.provider'],
  [
    'a service account with a long name',
    { serviceAccountName: 'a'.repeat(254) },
    'spec.serviceAccountName',
  ],
  ['an empty list of exclusions', { exclusionList: [] }],
  ['25 exclusions', { exclusionList: Array.from({ length: 25 }, () => 'a') }],
  ['26 exclusions', { exclusionList: Array.from({ length: 26 }, () => 'a') }, 'spec.exclusionList'],
  ['access from all namespaces', { accessFrom: { namespaceSelectors: [{}] } }],
  ['access from nowhere', { accessFrom: {} }, 'spec.accessFrom.namespaceSelectors'],
]);

const imagePolicy = { imageRepositoryRef: { name: 'app' }, policy: { semver: { range: '*' } } };

const imagePolicies = cases(ImagePolicy, imagePolicy, [
  ['the least', {}],
  ['no policy', { policy: undefined }, 'spec.policy'],
  ['a policy that says nothing', { policy: {} }],
  ['an order with its default', { policy: { numerical: {} } }],
  [
    'an unknown order',
    { policy: { alphabetical: { order: 'up' } } },
    'spec.policy.alphabetical.order',
  ],
  ['a range that is missing', { policy: { semver: {} } }, 'spec.policy.semver.range'],
  ['the newest build', { policy: { newest: {} } }],
  ['tags that are never chosen', { exclude: ['1.2.3'] }],
  ['an unknown reflection', { digestReflectionPolicy: 'Sometimes' }, 'spec.digestReflectionPolicy'],
  ['an interval for digests', { digestReflectionPolicy: 'Always', interval: '1m' }],
  ['an interval for nothing', { interval: '1m' }, 'spec'],
  ['digests without an interval', { digestReflectionPolicy: 'Always' }, 'spec'],
]);

export const verdicts: readonly Case[] = [
  ...gitRepositories,
  ...ociRepositories,
  ...buckets,
  ...helmRepositories,
  ...helmCharts,
  ...externalArtifacts,
  ...kustomizations,
  ...imageRepositories,
  ...imagePolicies,
  ...providers,
  ...alerts,
];

/** The object of a case, under the given name. */
export function objectOf({ kind, spec }: Case, name: string) {
  const { apiVersion } = kind;
  return { apiVersion, kind: kind.kind, metadata: { name, namespace: 'default' }, spec };
}
