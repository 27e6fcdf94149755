// What to check out and where to push, from an automation and its GitRepository.
import { type GitRepository, type ImageUpdateAutomation, parseDuration, Reason } from '@weir/api';
import { type RefSpec, refspecTarget } from '@weir/git';
import { Failure, messageOf } from '@weir/reconcile';

export interface Target {
  /** Undefined for the default branch. */
  checkout: RefSpec | undefined;
  /** Name of the branch that is pushed to. */
  pushBranch: string;
  /** Whether that differs from the branch that is checked out. */
  switchesBranch: boolean;
  /** Full name of another reference to push to. */
  alsoPush: string | undefined;
  /** Push options for the server. */
  options: Record<string, string> | undefined;
  /** Milliseconds for each Git operation. */
  timeoutMs: number;
}

/** The branch that is checked out if none is named, as in Flux. */
const DEFAULT_BRANCH = 'master';
const DEFAULT_TIMEOUT = '60s';
/** The longest that one conversation with a server may hold its slot, whatever the GitRepository says. Milliseconds. */
const MAX_TIMEOUT_MS = 10 * 60_000;

/** @throws Failure SourceManagerFailed if the branch to push to can't be determined */
export function targetOf({ spec }: ImageUpdateAutomation, { spec: source }: GitRepository): Target {
  const checkout = spec.git?.checkout?.ref ?? source.ref;
  const pushBranch = spec.git?.push?.branch || checkout?.branch;
  if (!pushBranch) {
    throw sourceFailure(
      'push spec not provided, and cannot be inferred from .spec.git.checkout.ref or GitRepository .spec.ref',
    );
  }
  const refspec = spec.git?.push?.refspec;
  const isNamed = Boolean(spec.git?.push?.branch);
  const checkedOut = checkout === undefined ? DEFAULT_BRANCH : (checkout.branch ?? '');
  return {
    checkout,
    pushBranch,
    switchesBranch: isNamed && pushBranch !== checkedOut,
    alsoPush: refspec ? targetRef(refspec, pushBranch) : undefined,
    options: spec.git?.push?.options,
    timeoutMs: Math.min(parseDuration(source.timeout ?? DEFAULT_TIMEOUT), MAX_TIMEOUT_MS),
  };
}

function targetRef(refspec: string, branch: string): string {
  try {
    return refspecTarget(refspec, branch);
  } catch (cause) {
    throw sourceFailure(messageOf(cause), cause);
  }
}

/** A failure for something that is missing or wrong before the remote can be asked. */
export function sourceFailure(why: string, cause?: unknown): Failure {
  const message = `failed configuring source manager: ${why}`;
  return new Failure(Reason.SourceManagerFailed, message, { cause });
}

/** A failure that only another spec can resolve. */
export function invalidSource(why: string): Failure {
  const message = `${why}: invalid source configuration`;
  return new Failure(Reason.InvalidSourceConfiguration, message, { stalled: true });
}
