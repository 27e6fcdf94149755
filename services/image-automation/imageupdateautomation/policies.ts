// The images that the policies of a namespace chose, for the policies that an automation selects.
import { type ImagePolicy, type ImageUpdateAutomation, Reason } from '@weir/api';
import { Failure } from '@weir/reconcile';
import type { ImageRef } from './setters/marker.ts';

type Selector = NonNullable<ImageUpdateAutomation['spec']['policySelector']>;
type Labels = Readonly<Record<string, string>>;

/**
 * The choices of the policies in the automation's own namespace, by their names, sorted; policies without a choice are
 * left out.
 * @throws Failure InvalidPolicySelector (stalled), with Flux's message
 */
export function chosenImages(
  { metadata, spec }: ImageUpdateAutomation,
  policies: Iterable<ImagePolicy>,
): Map<string, ImageRef> {
  const matches = matcherOf(spec.policySelector ?? {});
  const chosen = new Map<string, ImageRef>();
  for (const { metadata: policy, status } of policies) {
    const { namespace, name, labels = {}, deletionTimestamp } = policy;
    if (namespace !== metadata.namespace || deletionTimestamp !== undefined) continue;
    if (status?.latestRef === undefined || !matches(labels)) continue;
    const { name: image, tag, digest } = status.latestRef;
    chosen.set(name, { name: image, tag, ...(digest ? { digest } : {}) });
  }
  return new Map([...chosen].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether the same images were chosen. */
export function areSame(
  before: Readonly<Record<string, ImageRef>> = {},
  now: ReadonlyMap<string, ImageRef>,
): boolean {
  return (
    Object.keys(before).length === now.size &&
    [...now].every(([name, ref]) => {
      const was = before[name];
      return (
        was?.name === ref.name && was.tag === ref.tag && (was.digest ?? '') === (ref.digest ?? '')
      );
    })
  );
}

/** By the rules of metav1.LabelSelectorAsSelector. */
function matcherOf({ matchLabels = {}, matchExpressions = [] }: Selector): (of: Labels) => boolean {
  const checks = [
    ...Object.entries(matchLabels).map(
      ([key, value]) =>
        (of: Labels) =>
          of[key] === value,
    ),
    ...matchExpressions.map(checkOf),
  ];
  return (of) => checks.every((check) => check(of));
}

function checkOf({
  key,
  operator,
  values = [],
}: NonNullable<Selector['matchExpressions']>[number]): (of: Labels) => boolean {
  const list = `[${values.map((value) => JSON.stringify(value)).join(', ')}]`;
  const isSet = operator === 'In' || operator === 'NotIn';
  if (!isSet && operator !== 'Exists' && operator !== 'DoesNotExist') {
    throw invalid(`${JSON.stringify(operator)} is not a valid label selector operator`);
  }
  if (isSet && values.length === 0) {
    throw invalid(
      `values: Invalid value: ${list}: for 'in', 'notin' operators, values set can't be empty`,
    );
  }
  if (!isSet && values.length > 0) {
    throw invalid(
      `values: Invalid value: ${list}: values set must be empty for exists and does not exist`,
    );
  }
  return (of) => {
    const value = of[key];
    if (operator === 'Exists') return value !== undefined;
    if (operator === 'DoesNotExist') return value === undefined;
    const isIn = value !== undefined && values.includes(value);
    return operator === 'In' ? isIn : !isIn;
  };
}

function invalid(why: string): Failure {
  const message = `failed to parse policy selector: ${why}`;
  return new Failure(Reason.InvalidPolicySelector, message, { stalled: true });
}
