// Verifies that a revision has the signatures that spec.verify requires. Reasons and messages are those of Flux.
import { createHash } from 'node:crypto';
import { FETCH_FAILED, type GitRepository, Reason } from '@weir/api';
import { orAborted } from '@weir/async';
import {
  GitError,
  type Resolved,
  type SignedObject,
  type TrustedKeys,
  verifySignature,
} from '@weir/git';
import { type KubeClient, readSecret } from '@weir/kube';
import { dropStates, Failure, messageOf } from '@weir/reconcile';
import type { SourceRun } from '../shared/run.ts';
import { asNotVerified, asUnverified, asVerified, isVerified } from '../shared/verification.ts';
import type { Wanted } from './conversation.ts';
import type { Fetcher } from './fetch.ts';
import type { SignedRevision } from './signed.ts';

type Mode = 'HEAD' | 'Tag' | 'TagAndHEAD';

/** The fields of the status that record what was verified; undefined removes one. */
export interface VerifiedFields {
  sourceVerificationMode: string | undefined;
  sourceVerificationFingerprint: string | undefined;
}

/**
 * Verifies the revision, unless the status says that it was verified with the same keys and the same mode. The
 * condition SourceVerified reports the result.
 * @throws Failure for a revision that isn't signed as the spec requires
 */
export async function verifyRevision(
  run: SourceRun<GitRepository>,
  wanted: Wanted,
  resolved: Resolved,
  fetcher: Fetcher,
): Promise<VerifiedFields> {
  const { object, status, environment, context, signal } = run;
  const { verify } = object.spec;
  if (verify === undefined) {
    status.update(asNotVerified);
    return { sourceVerificationMode: undefined, sourceVerificationFingerprint: undefined };
  }
  const mode = verify.mode === 'Tag' || verify.mode === 'TagAndHEAD' ? verify.mode : 'HEAD';
  try {
    const secret = { namespace: object.metadata.namespace ?? '', name: verify.secretRef.name };
    const keys = await readKeys(environment.client, secret, signal);
    const fingerprint = fingerprintOf(mode, keys);
    if (!isVerified(object, resolved.revision, fingerprint)) {
      const message = await context.waiting(() =>
        orAborted(verifySigned(mode, keys, { wanted, resolved, fetcher }), signal),
      );
      status.update((report) => asVerified(report, message));
    }
    return { sourceVerificationMode: mode, sourceVerificationFingerprint: fingerprint };
  } catch (error) {
    if (error instanceof Failure && error.condition === undefined) {
      status.update((report) =>
        dropStates(asUnverified(report, error.message, error.reason), [FETCH_FAILED]),
      );
    }
    throw error;
  }
}

/** Keys of the Secret end in `.sshpub` for SSH; all others hold OpenPGP key rings, `.asc` or not. */
async function readKeys(
  client: KubeClient,
  secret: { namespace: string; name: string },
  signal: AbortSignal,
): Promise<TrustedKeys> {
  const data = await readSecret(client, secret, { signal }).catch((cause: unknown) => {
    const message = `public keys secret error: ${messageOf(cause)}`;
    throw new Failure(Reason.VerificationError, message, { cause });
  });
  const sorted = [...data].sort(([a], [b]) => (a < b ? -1 : 1));
  const texts = (ssh: boolean) =>
    sorted.flatMap(([key, value]) => (key.endsWith('.sshpub') === ssh ? [value.toString()] : []));
  return { openpgp: texts(false), ssh: texts(true) };
}

/** A digest of the mode and the trusted keys: when it changes, the signature is verified again. */
function fingerprintOf(mode: Mode, keys: TrustedKeys): string {
  const text = JSON.stringify([mode, keys.openpgp, keys.ssh]);
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

interface Subject {
  wanted: Wanted;
  resolved: Resolved;
  fetcher: Fetcher;
}

async function verifySigned(mode: Mode, keys: TrustedKeys, subject: Subject): Promise<string> {
  const { wanted, resolved, fetcher } = subject;
  const { tag } = resolved;
  if (mode !== 'HEAD' && tag === undefined) {
    const message = "cannot verify tag object's signature if a tag reference is not specified";
    throw new Failure(Reason.InvalidVerificationMode, message, { stalled: true });
  }
  const signed = await fetcher.signed(wanted, resolved);
  const verified: string[] = [];
  if (mode !== 'HEAD' && tag !== undefined) {
    const title = tag.id === undefined ? tag.name : `${tag.name}@${tag.id}`;
    const object = checkedTag(title, tag.name, signed, resolved.commit);
    const key = await verifyObject(object, 'tag', title, keys, subject);
    verified.push(`tag '${title}' with key '${key}'`);
  }
  if (mode !== 'Tag') {
    const key = await verifyObject(signed.commit, 'commit', resolved.commit, keys, subject);
    verified.push(`commit '${resolved.commit}' with key '${key}'`);
  }
  return `verified signature of${verified.map((line) => `\n\t- ${line}`).join('')}`;
}

/**
 * The server says which commit a tag leads to, and offers the tag under a name. The signed tag has to have the same
 * commit and name.
 */
function checkedTag(
  title: string,
  name: string,
  { tag, tagged }: SignedRevision,
  commit: string,
): SignedObject {
  if (tag?.signature === undefined) {
    const message = `cannot verify signature of tag '${title}' since it is not signed`;
    throw new Failure(Reason.InvalidGitObject, message);
  }
  const isOfCommit = tagged === commit;
  if (isOfCommit && tag.name === name) return tag;
  const why = isOfCommit
    ? 'it was signed under another name'
    : `it is no tag of commit '${commit}', which the server says it is`;
  const message = `signature verification of tag '${title}' failed: ${why}`;
  throw new Failure(Reason.InvalidTagSignature, message);
}

async function verifyObject(
  object: SignedObject,
  kind: 'commit' | 'tag',
  title: string,
  keys: TrustedKeys,
  { wanted, fetcher }: Subject,
): Promise<string> {
  const isSsh = object.signature?.startsWith('-----BEGIN SSH SIGNATURE-----');
  try {
    return await fetcher.inSlot(wanted, (limits) => verifySignature(object, keys, limits));
  } catch (cause) {
    if (!(cause instanceof GitError) || cause.reason === 'Aborted') throw cause;
    const isPlain = !cause.message.startsWith('unable to');
    const what = `unable to verify Git ${kind}${isSsh ? ' SSH signature' : ''}: `;
    const message = `signature verification of ${kind} '${title}' failed: ${isPlain ? '' : what}${cause.message}`;
    const reason = kind === 'tag' ? Reason.InvalidTagSignature : Reason.InvalidCommitSignature;
    throw new Failure(reason, message, { cause });
  }
}
