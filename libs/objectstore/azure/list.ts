// Pages of a list of Azure Blob Storage ("List Blobs").
import type { ListedObject } from '../bucket.ts';
import { ObjectStoreError } from '../errors.ts';
import type { Page } from '../pages.ts';
import { elementOf, elementsOf } from '../xml.ts';

/** @throws ObjectStoreError InvalidAnswer for what is no list */
export function pageOf(xml: string): Page {
  const blobs = elementsOf(xml, 'Blob');
  if (!/<EnumerationResults[\s>]/.test(xml) || !xml.includes('</EnumerationResults>') || !blobs) {
    const what = 'the endpoint did not answer with a list of objects: is it an object store?';
    throw new ObjectStoreError('InvalidAnswer', what);
  }
  const marker = elementOf(xml.slice(xml.lastIndexOf('</Blob>') + 1), 'NextMarker')?.text;
  return { objects: blobs.flatMap(objectOf), next: marker || undefined };
}

/** Empty for a folder, which accounts with a hierarchical namespace list as an entry. */
function objectOf(blob: string): ListedObject[] {
  const name = elementOf(blob, 'Name');
  if (name === undefined || elementOf(blob, 'ResourceType')?.text === 'directory') return [];
  const size = Number(elementOf(blob, 'Content-Length')?.text);
  return [
    {
      key: /Encoded="true"/.test(name.attributes) ? decoded(name.text) : name.text,
      etag: quotedTag(elementOf(blob, 'Etag')?.text ?? ''),
      size: Number.isSafeInteger(size) && size >= 0 ? size : 0,
    },
  ];
}

/** Names with characters that are not allowed in XML are encoded as in a URL. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    const what = 'a name in the list is not encoded as it says';
    throw new ObjectStoreError('InvalidAnswer', what, cause);
  }
}

/** Adds the quotation marks that lists lack, and that answers and Flux's revisions have. */
export function quotedTag(etag: string): string {
  return etag === '' || etag.startsWith('"') ? etag : `"${etag}"`;
}
