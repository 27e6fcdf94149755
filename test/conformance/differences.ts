// What differs from Flux on purpose. `id` is the heading in docs/compatibility.md that says why.
import type { Rule } from './compare.ts';

/** Where the text of a failure shows. */
const MESSAGE =
  /^(events|warnings) > Kustomization |^kustomizations > \S+ > conditions > Ready > message$/;
const SOURCE_MESSAGE =
  /^(events|warnings) > GitRepository |^sources > \S+ > conditions > \w+ > message$/;

/** A failure that is told in other words on both sides, with the same reason. */
function otherWords(id: string, fixture: RegExp, words: { flux: RegExp; weir: RegExp }): Rule[] {
  return [
    { id, fixture, path: MESSAGE, ...words },
    { id, fixture, path: MESSAGE, flux: words.flux, weir: 'absent' },
    { id, fixture, path: MESSAGE, flux: 'absent', weir: words.weir },
  ];
}

export const RULES: readonly Rule[] = [
  ...otherWords('Nothing is fetched while a build runs', /\/remote-/, {
    flux: /dial tcp 127\.0\.0\.1/,
    weir: /remote resource '.*' in kustomization\.yaml is not allowed/,
  }),
  ...otherWords('Charts belong into a HelmRelease', /^build\/helm-charts$/, {
    flux: /must specify --enable-helm/,
    weir: /not allowed: use a HelmRelease/,
  }),
  ...otherWords('Messages of a build name the file', /-outside-artifact$/, {
    flux: /fs-security-constraint/,
    weir: /path leaves the artifact/,
  }),
  ...otherWords('Messages of a build name the file', /^build\/kustomization-broken$/, {
    flux: /error converting YAML to JSON/,
    weir: /failed to decode kustomization\.yaml: error converting YAML to JSON/,
  }),
  ...otherWords('Messages of a build name the file', /^build\/path-is-a-file$/, {
    flux: /open (\S+): not a directory remove \1: not a directory/,
    weir: /open \S+: not a directory/,
  }),
  ...otherWords('Dependency loops are named', /^depends\/(loop|self)$/, {
    flux: /dependency '.*' is not ready$|Dependencies do not meet ready condition/,
    weir: /dependency loop .* remove one of these from dependsOn/,
  }),
  {
    id: 'Encrypted Secrets are refused when they are built',
    fixture: /^build\/secret-encrypted/,
    path: /^kustomizations > app > (conditions > (Ready|Reconciling)\b|history|lastAppliedRevision|inventory|observedGeneration)/,
  },
  {
    id: 'Encrypted Secrets are refused when they are built',
    fixture: /^build\/secret-encrypted-string-data$/,
    path: /^(events > Kustomization app|warnings > Kustomization app|objects)/,
  },
  {
    id: 'The inventory has what a failed apply left',
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
  {
    id: 'All ignore rules count',
    fixture: /^ignore\/several-without-target$/,
    path: /^objects > ConfigMap a > data > first$/,
    flux: /^ours$/,
    weir: /^theirs$/,
  },
  {
    id: 'A field that is ignored and gone stays gone',
    fixture: /^ignore\/missing-in-cluster$/,
    path: /^objects > ConfigMap a > data > ignored$/,
    flux: /^$/,
    weir: 'absent',
  },
  {
    id: 'Health needs no more rights than the object',
    fixture: /^tenancy\/account-may-not-read-pods$/,
    path: /^kustomizations > app > (conditions|history|lastAppliedRevision|observedGeneration)|^(events|warnings) > Kustomization app$/,
  },
  {
    id: 'What is refused for good counts as observed',
    fixture: /^(source\/external-artifact-off|tenancy\/cross-namespace-source-refused)$/,
    path: /^kustomizations > app > observedGeneration$/,
    flux: /^-1$/,
    weir: /^1$/,
  },
  ...['flux', 'weir', 'both'].map(
    (side): Rule => ({
      id: "Git's troubles are told in Git's words",
      fixture: /^source\/repository-gone$/,
      path: SOURCE_MESSAGE,
      flux: side === 'weir' ? 'absent' : /unable to clone/,
      weir: side === 'flux' ? 'absent' : /unable to list remote/,
    }),
  ),
];
