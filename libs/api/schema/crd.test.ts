import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Type } from 'typebox';
import { kinds } from '../kinds.ts';
import { allSchemas, crdFacts, parseDefinition } from '../testing/crd-facts.ts';
import { crdYaml, structural } from './crd.ts';

const FACTS = join(import.meta.dirname, '../testdata/flux-crd-fields.tsv');
const definitions = kinds.map((kind) => parseDefinition(crdYaml(kind)));

/** What Flux's definitions say beyond the table of fields. */
const CATEGORIES = new Map([
  ['GitRepository', ['all', 'fluxcd', 'fluxcd-sources']],
  ['OCIRepository', ['all', 'fluxcd', 'fluxcd-sources']],
  ['Bucket', ['all', 'fluxcd', 'fluxcd-sources']],
  ['HelmRepository', ['all', 'fluxcd', 'fluxcd-sources']],
  ['HelmChart', ['all', 'fluxcd', 'fluxcd-sources']],
  ['ExternalArtifact', ['all', 'fluxcd', 'fluxcd-sources']],
  ['Kustomization', ['all', 'fluxcd', 'fluxcd-appliers']],
  ['HelmRelease', ['all', 'fluxcd', 'fluxcd-appliers']],
  ['ImageRepository', ['all', 'fluxcd', 'fluxcd-images']],
  ['ImagePolicy', ['all', 'fluxcd', 'fluxcd-images']],
  ['ImageUpdateAutomation', ['all', 'fluxcd', 'fluxcd-images']],
  ['Provider', ['all', 'fluxcd', 'fluxcd-notifications']],
  ['Alert', ['all', 'fluxcd', 'fluxcd-notifications']],
  ['Receiver', ['all', 'fluxcd', 'fluxcd-notifications']],
]);
const COMMIT_STATUS =
  "spec.commitStatusExpr is only supported for the 'github', 'gitlab', 'gitea', 'bitbucketserver', 'bitbucket', 'azuredevops' provider types";
const ONE_KUBECONFIG =
  'exactly one of spec.kubeConfig.configMapRef or spec.kubeConfig.secretRef must be specified';
const RULE_MESSAGES = [
  "serviceAccountName can only be set when provider is 'azure' or 'aws'",
  "STS configuration is only supported for the 'aws' and 'generic' Bucket providers",
  "'aws' is the only supported STS provider for the 'aws' Bucket provider",
  "'ldap' is the only supported STS provider for the 'generic' Bucket provider",
  "spec.sts.secretRef is not required for the 'aws' STS provider",
  "spec.sts.certSecretRef is not required for the 'aws' STS provider",
  "ServiceAccountName is not supported for the 'generic' Bucket provider",
  'cannot set both .spec.secretRef and .spec.serviceAccountName',
  "spec.verify is only supported when spec.sourceRef.kind is 'HelmRepository'",
  ONE_KUBECONFIG,
  'either chart or chartRef must be set',
  "spec.chart.spec.url is required when spec.chart.kind is 'OCIRepository'",
  "spec.chart.spec.url can only be set when spec.chart.kind is 'OCIRepository'",
  "spec.chart.spec.chart and spec.chart.spec.sourceRef are required when spec.chart.kind is not 'OCIRepository'",
  "spec.chart.spec.chart cannot be set when spec.chart.kind is 'OCIRepository'",
  "spec.chart.spec.version can only be '*' when spec.chart.kind is 'OCIRepository'",
  "spec.chart.spec.sourceRef cannot be set when spec.chart.kind is 'OCIRepository'",
  "spec.chart.spec.reconcileStrategy can only be 'ChartVersion' when spec.chart.kind is 'OCIRepository'",
  "spec.chart.spec.valuesFiles cannot be set when spec.chart.kind is 'OCIRepository'",
  "spec.chart.spec.ignoreMissingValuesFiles cannot be set when spec.chart.kind is 'OCIRepository'",
  ONE_KUBECONFIG,
  ".retryInterval cannot be set when .name is 'RemediateOnFailure'",
  ".retryInterval can only be set when .name is 'RetryOnFailure'",
  "spec.interval is only accepted when spec.digestReflectionPolicy is set to 'Always'",
  "spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'",
  COMMIT_STATUS,
  COMMIT_STATUS,
  'generic-oidc receivers must define at least one oidcProvider',
  'oidcProviders can only be set when type is generic-oidc',
  'secretRef cannot be set when type is generic-oidc',
  'secretRef is required when type is not generic-oidc',
];

/** Fields of v1beta3 that Flux's v1 lacks: without them, an API server would drop what somebody set (docs/compatibility.md). */
const ADDITIONS = ['Alert\tspec.summary', 'Provider\tspec.interval', 'Provider\tspec.proxy'];

const GROUP_VERSION: Record<string, string> = {
  Kustomization: 'kustomize.toolkit.fluxcd.io/v1',
  HelmRelease: 'helm.toolkit.fluxcd.io/v2',
  GitRepository: 'source.toolkit.fluxcd.io/v1',
};

/** Fields that only Weir has: objects without them are as under Flux (docs/compatibility.md). */
const OWN_FIELDS = [
  ...['Kustomization', 'HelmRelease'].flatMap((kind) => [
    [kind, 'spec.dependsOn[].apiVersion', 'string', ''],
    [kind, 'spec.dependsOn[].kind', 'string', ''],
    [kind, 'spec.dependsOn[].ready', 'boolean', ''],
    [kind, 'status.clusterID', 'string', ''],
  ]),
  ['GitRepository', 'spec.lfs', 'boolean', ''],
  ['GitRepository', 'status.observedLfs', 'boolean', ''],
  ['ImagePolicy', 'spec.exclude', 'array', 'maxItems=100'],
  ['ImagePolicy', 'spec.exclude[]', 'string', ''],
  ['ImagePolicy', 'spec.policy.newest', 'object', ''],
  ['ImageUpdateAutomation', 'spec.git.pullRequest', 'object', ''],
  ['ImageUpdateAutomation', 'spec.git.pullRequest.apiURL', 'string', 'pattern="^https?://.*$"'],
  ['ImageUpdateAutomation', 'spec.git.pullRequest.base', 'string', ''],
  ['ImageUpdateAutomation', 'spec.git.pullRequest.body', 'string', ''],
  ['ImageUpdateAutomation', 'spec.git.pullRequest.branches', 'string', 'enum=["One", "PerPolicy"]'],
  ['ImageUpdateAutomation', 'spec.git.pullRequest.labels', 'array', 'maxItems=20'],
  ['ImageUpdateAutomation', 'spec.git.pullRequest.labels[]', 'string', ''],
  [
    'ImageUpdateAutomation',
    'spec.git.pullRequest.provider',
    'string',
    'enum=["github", "gitlab", "gitea", "bitbucket", "azuredevops"]',
  ],
  ['ImageUpdateAutomation', 'spec.git.pullRequest.reviewers', 'array', 'maxItems=20'],
  ['ImageUpdateAutomation', 'spec.git.pullRequest.reviewers[]', 'string', ''],
  ['ImageUpdateAutomation', 'spec.git.pullRequest.secretRef', 'object', ''],
  ['ImageUpdateAutomation', 'spec.git.pullRequest.secretRef.name', 'string', 'required'],
  ['ImageUpdateAutomation', 'spec.git.pullRequest.title', 'string', ''],
  ['ImageUpdateAutomation', 'spec.git.respectReverts', 'boolean', ''],
].map(([kind = '', ...cells]) =>
  [GROUP_VERSION[kind] ?? 'image.toolkit.fluxcd.io/v1', kind, ...cells].join('\t'),
);

/** Those of kinds that are served in two versions. */
const OWN_IN_BOTH = ['v1', 'v1beta3'].flatMap((version) =>
  [
    ['Provider', 'spec.locale', 'string', 'enum=["en", "zh"]'],
    ['Alert', 'spec.grouping', 'object', ''],
    [
      ...['Alert', 'spec.grouping.reminder', 'string'],
      String.raw`default="4h" pattern="^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$"`,
    ],
    [
      ...['Alert', 'spec.grouping.window', 'string'],
      String.raw`default="30s" pattern="^([0-9]+(\\.[0-9]+)?(ms|s|m))+$"`,
    ],
    ['Alert', 'spec.template', 'object', ''],
    ['Alert', 'spec.template.body', 'string', 'maxLength=16384'],
    ['Alert', 'spec.template.title', 'string', 'maxLength=2048'],
  ].map((cells) => [`notification.toolkit.fluxcd.io/${version}`, ...cells].join('\t')),
);

describe('the definitions', () => {
  it('have every field and constraint that Flux has, and no other but the listed additions', () => {
    const facts = readFileSync(FACTS, 'utf8').split('\n').filter(Boolean);
    const additions = ADDITIONS.map((field) => {
      const older = facts.find((fact) => fact.includes(`/v1beta3\t${field}\t`));
      return older?.replace('/v1beta3\t', '/v1\t');
    });
    assert.deepEqual(
      definitions.flatMap(crdFacts).sort(),
      [...facts, ...additions, ...OWN_FIELDS, ...OWN_IN_BOTH].sort(),
    );
  });

  it('are held to the facts of every kind that is served', () => {
    const facts = readFileSync(FACTS, 'utf8').split('\n').filter(Boolean);
    assert.deepEqual(
      new Set(facts.map((fact) => fact.split('\t')[1])),
      new Set(kinds.map(({ kind }) => kind)),
    );
  });

  it('store objects in a version that has every field of the older ones', () => {
    for (const { spec } of definitions) {
      const [stored, ...older] = spec.versions.map(
        ({ schema }) => new Set([...allSchemas(schema.openAPIV3Schema)].map(([path]) => path)),
      );
      for (const paths of older)
        assert.deepEqual(
          [...paths].filter((path) => !stored?.has(path)),
          [],
        );
    }
  });

  it('are named and listed as in Flux', () => {
    for (const { metadata, spec } of definitions) {
      const { kind, listKind, singular, plural, categories } = spec.names;
      assert.equal(metadata.name, `${plural}.${spec.group}`);
      assert.equal(listKind, `${kind}List`);
      assert.equal(singular, kind?.toLowerCase());
      assert.deepEqual(categories, CATEGORIES.get(kind ?? ''));
      const [stored, ...older] = spec.versions;
      const version = kind === 'HelmRelease' ? 'v2' : 'v1';
      assert.deepEqual([stored?.name, stored?.served, stored?.storage], [version, true, true]);
      const hasOlder = kind === 'Alert' || kind === 'Provider';
      assert.deepEqual(
        older.map(({ name, served, storage, deprecationWarning }) => [
          name,
          served,
          storage,
          deprecationWarning,
        ]),
        hasOlder ? [['v1beta3', true, false, `v1beta3 ${kind} is deprecated, upgrade to v1`]] : [],
      );
    }
  });

  it('refuse with the messages of Flux', () => {
    const messages = schemas().flatMap(([, schema]) =>
      (schema['x-kubernetes-validations'] ?? []).map(({ message }) => message),
    );
    assert.deepEqual(messages, RULE_MESSAGES);
  });

  it('show the columns of Flux always, and only with -o wide the one that is so there', () => {
    const columns = definitions.flatMap(({ spec }) =>
      spec.versions.flatMap((version) => version.additionalPrinterColumns),
    );
    assert.deepEqual(
      columns.filter(({ priority }) => priority !== undefined).map(({ name }) => name),
      ['Last scan', 'Last run'],
    );
  });

  it('explain every field', () => {
    const silent = schemas().filter(
      ([path, { description }]) =>
        !path.endsWith('{}') && !path.endsWith('.metadata') && !description,
    );
    assert.deepEqual(
      silent.map(([path]) => path),
      [],
    );
  });

  it('keep the order of printer columns', () => {
    const names = definitions.map(({ spec }) =>
      spec.versions[0]?.additionalPrinterColumns.map(({ name }) => name),
    );
    assert.deepEqual(names, [
      ['URL', 'Age', 'Ready', 'Status'],
      ['URL', 'Ready', 'Status', 'Age'],
      ['Endpoint', 'Age', 'Ready', 'Status'],
      ['URL', 'Age', 'Ready', 'Status'],
      ['Chart', 'Version', 'Source Kind', 'Source Name', 'Age', 'Ready', 'Status'],
      ['Age', 'Ready', 'Status', 'Source'],
      ['Age', 'Ready', 'Status'],
      ['Age', 'Ready', 'Status'],
      ['Image', 'Tags', 'Ready', 'Status', 'Last scan', 'Age'],
      ['Image', 'Tag', 'Ready', 'Status', 'Age'],
      ['Ready', 'Status', 'Last run', 'Age'],
      ['Age'],
      ['Age'],
      ['Age', 'Ready', 'Status'],
    ]);
  });
});

describe('structural', () => {
  it('refuses a keyword that a CRD would lose', () => {
    assert.throws(() => structural(Type.String({ contentEncoding: 'base64' })), /contentEncoding/);
    assert.throws(() => structural(Type.Union([Type.String(), Type.Null()])), /anyOf/);
  });

  it('turns a record into additional properties', () => {
    assert.deepEqual(structural(Type.Record(Type.String(), Type.Integer({ minimum: 1 }))), {
      type: 'object',
      additionalProperties: { type: 'integer', minimum: 1 },
    });
  });

  it('leaves what belongs to TypeBox behind', () => {
    const refined = Type.Refine(Type.Object({ a: Type.Optional(Type.String()) }), () => true);
    assert.deepEqual(structural(refined), {
      type: 'object',
      properties: { a: { type: 'string' } },
    });
  });
});

function schemas() {
  return definitions.flatMap(({ spec }) =>
    spec.versions.flatMap((version) => [
      ...allSchemas(version.schema.openAPIV3Schema, spec.names.kind),
    ]),
  );
}
