import { createHash } from 'node:crypto';
import type { FluxEvent } from '@weir/events';

/** Characters of a message that are compared: the cause is at its beginning. */
const COMPARED = 2_048;

/** Successes after which an object has not recovered: what failed was undone, or a secondary step succeeded. */
const NOT_WELL = new Set(['RollbackSucceeded', 'UninstallSucceeded', 'GarbageCollectionSucceeded']);
const WELL = new Set(['NewArtifact', 'NewChart', 'ArtifactUpToDate', 'Succeeded']);

/** Whether the event says that its object has recovered. */
export function isRecovery({ severity, reason }: FluxEvent): boolean {
  if (severity === 'error' || NOT_WELL.has(reason)) return false;
  return WELL.has(reason) || reason.endsWith('Succeeded');
}

/**
 * Names the class of a failure, as one token of a subject: the same for failures of one kind of object with one reason, from
 * one controller, whose messages differ in names and numbers only.
 */
export function failureClass(event: FluxEvent): string {
  const { involvedObject, reason, reportingController } = event;
  const parts = [involvedObject.kind, reason, reportingController, withoutNames(event)];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22);
}

/**
 * The message with placeholders for the parts that differ between objects: quoted texts, words with a slash, a dot, a
 * digit or a hyphen in them (paths, addresses, revisions, images, names), and the names of the object itself. Each
 * expression takes linear time: none repeats what it could match in two ways.
 */
export function withoutNames({ message, involvedObject }: FluxEvent): string {
  const { name, namespace } = involvedObject;
  const own = new Set([name.toLowerCase(), namespace.toLowerCase()]);
  return message
    .slice(0, COMPARED)
    .replace(/"[^"\n]*"|'[^'\n]*'|`[^`\n]*`/g, '*')
    .replace(/[^\s,;()[\]{}]+/g, (word) => {
      const bare = word.replace(/[.:!?]+$/, '');
      if (own.has(bare.toLowerCase()) || /[\d/@-]|\w[.:]\w/.test(bare)) return '*';
      return bare;
    })
    .replace(/\s+/g, ' ')
    .trim();
}
