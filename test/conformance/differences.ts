// The differences from Flux on purpose. `id` is the heading in docs/compatibility.md under which the reason is stated.
import type { Rule } from './compare.ts';

const EVENTS = /^events > Kustomization \S+$/;
const WARNINGS = /^warnings > Kustomization \S+$/;
const READY_MESSAGE = /^kustomizations > \S+ > conditions > Ready > message$/;

/** The rules for a failure with the same reason and another text, for each place in which the text appears. */
function otherWords(id: string, fixture: RegExp, words: Pick<Rule, 'flux' | 'weir'>): Rule[] {
  return [EVENTS, WARNINGS, READY_MESSAGE].map((path) => ({ id, fixture, path, ...words }));
}

type Side = Rule['flux'];

/** Rules for several differences `[path, flux, weir]`. A path without ` > ` is one below the Kustomization `app`. */
function several(
  id: string,
  fixture: RegExp,
  list: [path: string, flux: Side, weir: Side][],
): Rule[] {
  return list.map(([path, flux, weir]) => {
    const whole = /^(events|warnings|objects) > /.test(path)
      ? path
      : `kustomizations > app > ${path}`;
    return { id, fixture, path: new RegExp(`^${whole}$`), flux, weir };
  });
}

const LOOP = {
  id: 'What waits says what for',
  weir: /dependency loop .* remove one of these from dependsOn/,
};
const BUILD = 'A failed build names what to mend';
const SOPS = 'Encrypted Secrets are refused when they are built';
const ENCRYPTED = /is SOPS encrypted, configuring decryption is required/;
const GIT = {
  id: 'Failures name their cause, and quote no stranger',
  fixture: /^source\/repository-gone$/,
  flux: /: unable to clone 'http:\S+': Get "http:\S+": dial tcp \S+: connect: connection refused$/,
  weir: /: unable to clone 'http:\S+': unable to access\b/,
};
const BLOCKED = /can't evaluate readyExpr over '.*', cross-namespace references have been blocked/;
const UNHEALTHY =
  /status: 'Unknown': replicasets\.apps is forbidden: .* status: 'Unknown': pods is forbidden: /;

const STRANGERS = 'Kubeconfigs come from strangers';
/** The fixtures that end with a Kustomization that could reach its cluster. */
const REACHED =
  /^kubeconfig\/(account|account-without-rights|config-map|depends|dry-run-fails|edited-there|health|health-fails|key|kind-missing|namespace|namespace-missing|no-prune|prune|secret-comes-later|substitute-from|suspended|value|value-yaml)$/;
/** A cluster that takes no credential is found out before anything is applied, and not when it is. */
const BEFORE_APPLY: [string, Side, Side][] = [
  ['conditions > Reconciling > message', /^Detecting drift/, /^Building manifests/],
  ['history', /"status":"ReconciliationFailed"/, /^\[\]$/],
];

export const RULES: readonly Rule[] = [
  {
    id: 'Another cluster is known by its UID',
    fixture: REACHED,
    path: /^kustomizations > (app|second) > clusterID$/,
    flux: 'absent',
    weir: /^(<uid>|address-[0-9a-f]{32})$/,
  },
  ...otherWords(STRANGERS, /^kubeconfig\/broken$/, {
    flux: /yaml: line 1: did not find expected node content/,
    weir: /it is no YAML without aliases: see line 1/,
  }),
  ...otherWords(STRANGERS, /^kubeconfig\/no-context$/, {
    flux: /no configuration has been provided, try setting KUBERNETES_MASTER/,
    weir: /it has no current-context: set one with kubectl config use-context/,
  }),
  ...otherWords(STRANGERS, /^kubeconfig\/exec$/, {
    flux: /dry-run failed \(Forbidden\): failed to get server groups/,
    weir: /user 'u' has its credentials from a program \(exec\), which is refused/,
  }),
  ...otherWords(STRANGERS, /^kubeconfig\/wrong-token$/, {
    flux: /dry-run failed \(Unauthorized\): failed to get server groups/,
    weir: /the cluster of spec\.kubeConfig can't be used: Unauthorized/,
  }),
  ...otherWords(STRANGERS, /^kubeconfig\/account-missing-without-gate$/, {
    flux: /: failed to get service account '.*': ServiceAccount "deployer" not found/,
    weir: /: ObjectLevelWorkloadIdentity feature gate is not enabled/,
  }),
  ...otherWords(STRANGERS, /^kubeconfig\/insecure-tls$/, {
    flux: /dry-run failed: failed to get server groups: .* tls: failed to verify certificate: x509/,
    weir: /the cluster of spec\.kubeConfig can't be used: cannot reach .*: tls: failed to verify certificate: x509: certificate signed by unknown authority/,
  }),
  ...several(STRANGERS, /^kubeconfig\/(exec|insecure-tls|wrong-token)$/, BEFORE_APPLY),
  ...otherWords('Nothing is fetched while a build runs', /\/remote-/, {
    flux: /dial tcp 127\.0\.0\.1/,
    weir: /remote resource '.*' in kustomization\.yaml is not allowed/,
  }),
  ...[
    'no-secret-ref',
    'files-wrong-key',
    'key-removed',
    'secret-other-kind',
    'value-wrong-key',
  ].flatMap((name) =>
    otherWords(BUILD, new RegExp(`^decryption/${name}$`), {
      flux: /failed to load age identities\. Did not find keys/,
      weir: /failed to load age identities: the Kustomization has none/,
    }),
  ),
  ...otherWords(BUILD, /^decryption\/key-groups-one$/, {
    flux: /could not decrypt data key with PGP key: GnuPG binary error/,
    weir: /failed to decrypt sops data key with pgp: the Kustomization/,
  }),
  ...otherWords(BUILD, /^decryption\/key-malformed-pgp$/, {
    flux: /failed to import armored key data into GnuPG keyring/,
    weir: /data from sops decryption Secret '.*': no OpenPGP keys could be read from it/,
  }),
  ...otherWords(BUILD, /^build\/helm-charts$/, {
    flux: /must specify --enable-helm/,
    weir: /not allowed: use a HelmRelease/,
  }),
  ...otherWords(BUILD, /-outside-artifact$/, {
    flux: /fs-security-constraint/,
    weir: /path leaves the artifact/,
  }),
  ...otherWords(BUILD, /^build\/kustomization-broken$/, {
    flux: /error converting YAML to JSON/,
    weir: /failed to decode kustomization\.yaml: error converting YAML to JSON/,
  }),
  ...otherWords(BUILD, /^build\/yaml-tab-listed$/, {
    flux: /kustomize build failed: accumulating resources: accumulating resources from 'bad\.yaml': MalformedYAMLError: yaml: line 4: /,
    weir: /kustomize build failed: bad\.yaml:4: found a tab, YAML is indented with spaces: accumulating resources: /,
  }),
  ...otherWords(BUILD, /^build\/path-is-a-file$/, {
    flux: /open (\S+): not a directory remove \1: not a directory/,
    weir: /open \S+: not a directory/,
  }),
  {
    ...LOOP,
    fixture: /^depends\/(loop|self)$/,
    path: READY_MESSAGE,
    flux: /dependency '.*' is not ready$/,
  },
  {
    ...LOOP,
    fixture: /^depends\/(loop|self)$/,
    path: EVENTS,
    flux: /^info DependencyNotReady: Dependencies do not meet ready condition/,
  },
  // Under Flux this Kustomization first reports that its dependency does not exist, and only later the loop.
  { ...LOOP, fixture: /^depends\/loop$/, path: /^events > Kustomization one$/, flux: 'absent' },
  { ...LOOP, fixture: /^depends\/(loop|self)$/, path: WARNINGS, flux: 'absent' },
  ...several(SOPS, /^build\/secret-encrypted$/, [
    ['conditions > Reconciling > message', /^Detecting drift/, /^Building manifests/],
    ['history', /"status":"ReconciliationFailed"/, /^\[\]$/],
  ]),
  ...several(SOPS, /^build\/secret-encrypted-string-data$/, [
    ['conditions > Ready > message', /^Applied revision/, ENCRYPTED],
    ['conditions > Ready > reason', /^ReconciliationSucceeded$/, /^ReconciliationFailed$/],
    ['conditions > Ready > status', /^True$/, /^False$/],
    ['conditions > Reconciling', 'absent', /Building manifests/],
    ['history', /"status":"ReconciliationSucceeded"/, /^\[\]$/],
    ['inventory', /_Secret v1$/, 'absent'],
    ['lastAppliedRevision', /^main@/, 'absent'],
    ['observedGeneration', /^1$/, /^-1$/],
    ['objects > Secret access', /./, 'absent'],
    ['events > Kustomization app', /^info (Progressing|ReconciliationSucceeded)/, ENCRYPTED],
    ['warnings > Kustomization app', 'absent', ENCRYPTED],
  ]),
  {
    id: 'A failed apply loses nothing',
    fixture: /^apply\/(stages|custom-stage)$/,
    path: /^kustomizations > app > inventory$/,
    flux: 'absent',
    weir: /_(Namespace|ConfigMap) v1$/,
  },
  {
    id: 'A changed spec ends a health check',
    fixture: /^health\/wait-recovers$/,
    path: /^events > Kustomization app$/,
    flux: 'absent',
    weir: /^info HealthCheckCanceled: /,
  },
  ...otherWords('No message shows what its reader may not read', /^apply\/secret-wrong-type$/, {
    flux: /expected string, got .*Value:1234\}/,
    weir: /expected string, got \*\*\*/,
  }),
  {
    id: 'A failed apply loses nothing',
    fixture: /^force\/invalid$/,
    path: /^objects > Service a$/,
    flux: 'absent',
    weir: /"port":80/,
  },
  {
    id: 'Ignore rules leave alone what they name',
    fixture: /^ignore\/several-without-target$/,
    path: /^objects > ConfigMap a > data > first$/,
    flux: /^ours$/,
    weir: /^theirs$/,
  },
  {
    id: 'Ignore rules leave alone what they name',
    fixture: /^ignore\/missing-in-cluster$/,
    path: /^objects > ConfigMap a > data > ignored$/,
    flux: /^$/,
    weir: 'absent',
  },
  ...several(
    'Health needs no more rights than the object',
    /^tenancy\/account-may-not-read-pods$/,
    [
      ['conditions > Ready > message', UNHEALTHY, /^Applied revision/],
      ['conditions > Ready > reason', /^HealthCheckFailed$/, /^ReconciliationSucceeded$/],
      ['conditions > Ready > status', /^False$/, /^True$/],
      ['conditions > Healthy > message', UNHEALTHY, /^Health check passed/],
      ['conditions > Healthy > reason', /^HealthCheckFailed$/, /^Succeeded$/],
      ['conditions > Healthy > status', /^False$/, /^True$/],
      ['conditions > Reconciling', /Running health checks/, 'absent'],
      ['history', /"status":"HealthCheckFailed"/, /"status":"ReconciliationSucceeded"/],
      ['lastAppliedRevision', 'absent', /^main@/],
      ['observedGeneration', /^-1$/, /^1$/],
      [
        'events > Kustomization app',
        UNHEALTHY,
        /^info (Progressing: Health check passed|ReconciliationSucceeded)/,
      ],
      ['warnings > Kustomization app', UNHEALTHY, 'absent'],
    ],
  ),
  {
    id: 'What is refused for good counts as observed',
    fixture:
      /^(source\/external-artifact-off|decryption\/account-without-gate|tenancy\/(cross-namespace-source|external-artifact)-refused)$/,
    path: /^kustomizations > app > observedGeneration$/,
    flux: /^-1$/,
    weir: /^1$/,
  },
  ...several(
    'An expression sees only its own namespace, where references do',
    /^tenancy\/cross-namespace-ready-expression$/,
    [
      ['conditions > Ready > message', /^dependency '.*' not found/, BLOCKED],
      ['conditions > Ready > reason', /^DependencyNotReady$/, /^AccessDenied$/],
      ['conditions > Stalled', 'absent', BLOCKED],
      ['observedGeneration', /^-1$/, /^1$/],
      ['events > Kustomization app', /^info DependencyNotReady/, 'absent'],
      ['events > Kustomization app', 'absent', BLOCKED],
      ['warnings > Kustomization app', 'absent', BLOCKED],
    ],
  ),
  { ...GIT, path: /^events > GitRepository app$/ },
  { ...GIT, path: /^warnings > GitRepository app$/ },
  { ...GIT, path: /^sources > app > conditions > Ready > message$/ },
  { ...GIT, path: /^sources > app > conditions > FetchFailed > message$/ },
];
