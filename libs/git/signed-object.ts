// Signed commits and tags, taken apart as git does (https://git-scm.com/docs/gitformat-signature).
import { checkCommitId } from './arguments.ts';
import { GitError } from './errors.ts';
import { type ObjectReader, wholeContent } from './objects.ts';

export interface SignedObject {
  id: string;
  /** What was signed: the object without the signature, byte by byte. */
  payload: Buffer;
  /** With its armor; undefined when it isn't signed. */
  signature: string | undefined;
}

export interface SignedTag extends SignedObject {
  /** The id and the type of what it points to. */
  object: string;
  type: string;
  /** The name that was signed. */
  name: string;
}

/** The most that one signed object may hold, in bytes. */
const MAX_BYTES = 1024 * 1024;

/**
 * Reads a commit with its signature.
 * @throws GitError ReferenceNotFound when the repository lacks it
 */
export async function readSignedCommit(objects: ObjectReader, id: string): Promise<SignedObject> {
  return { id, ...splitCommit(await readRaw(objects, id, 'commit')) };
}

/**
 * Reads an annotated tag with its signature.
 * @throws GitError ReferenceNotFound when the repository lacks it
 */
export async function readSignedTag(objects: ObjectReader, id: string): Promise<SignedTag> {
  const raw = await readRaw(objects, id, 'tag');
  const head = raw.subarray(0, endOfHeaders(raw)).toString('utf8').split('\n');
  const value = (name: string) =>
    head.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? '';
  return {
    ...{ id, object: value('object'), type: value('type'), name: value('tag') },
    ...splitTag(raw),
  };
}

/**
 * The signature is the header `gpgsig` (`gpgsig-sha256` if ids are SHA-256), whose lines continue with a space. git
 * signs the object without both headers.
 */
export function splitCommit(raw: Buffer): Omit<SignedObject, 'id'> {
  const end = endOfHeaders(raw);
  const kept: Buffer[] = [];
  const signature: string[] = [];
  let signatures = 0;
  let taking: 'signature' | 'left out' | undefined;
  for (let at = 0; at < end; ) {
    const next = raw.indexOf(0x0a, at) + 1 || raw.length;
    const line = raw.subarray(at, next);
    at = next;
    const text = line.toString('latin1').replace(/\n$/, '');
    const continues = text.startsWith(' ');
    if (!continues) taking = undefined;
    if (text.startsWith('gpgsig ')) {
      taking = 'signature';
      signatures += 1;
      signature.push(text.slice('gpgsig '.length));
    } else if (text.startsWith('gpgsig-sha256 ')) taking = 'left out';
    else if (continues && taking === 'signature') signature.push(text.slice(1));
    if (taking === undefined) kept.push(line);
  }
  // With two signatures, programs differ in which one they check.
  if (signatures > 1) {
    throw new GitError('SignatureInvalid', 'the commit has more than one signature');
  }
  const payload = Buffer.concat([...kept, raw.subarray(end)]);
  return { payload, signature: signatures === 1 ? signature.join('\n') : undefined };
}

/** The signature is the end of the message, from the last line that begins one. */
export function splitTag(raw: Buffer): Omit<SignedObject, 'id'> {
  const text = raw.toString('latin1');
  let at = -1;
  for (const match of text.matchAll(/^-----BEGIN [A-Z0-9 ]+-----$/gm)) {
    if (isArmorOfSignature(match[0])) at = match.index;
  }
  if (at < 0) return { payload: raw, signature: undefined };
  return { payload: raw.subarray(0, at), signature: text.slice(at) };
}

function isArmorOfSignature(line: string): boolean {
  return /BEGIN (PGP SIGNATURE|PGP MESSAGE|SSH SIGNATURE|SIGNED MESSAGE)-----$/.test(line);
}

function endOfHeaders(raw: Buffer): number {
  const end = raw.indexOf('\n\n');
  return end < 0 ? raw.length : end + 1;
}

async function readRaw(objects: ObjectReader, id: string, wanted: string): Promise<Buffer> {
  let raw: Buffer | undefined;
  for await (const object of objects.read([checkCommitId(id)], Number.MAX_SAFE_INTEGER)) {
    if (object.type !== wanted) continue;
    raw = await wholeContent(object, MAX_BYTES, `${wanted} '${id}'`);
  }
  if (raw !== undefined) return raw;
  throw new GitError('ReferenceNotFound', `unable to resolve ${wanted} object for '${id}'`);
}
