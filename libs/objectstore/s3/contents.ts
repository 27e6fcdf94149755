// Reads the objects in a page of a list without an XML parser: the SDK takes 10 µs for each of them, which is most of
// the cost of listing a large bucket.
import { elementText } from '@weir/net/xml';
import { takeElements } from '../xml.ts';

/** An entry as it stands in the page. */
export interface Entry {
  key: string;
  etag: string;
  size: string;
}

export interface Contents {
  entries: Entry[];
  /** The page without its entries. */
  rest: string;
}

const LIST = /^\s*(<\?xml[^<>]*\?>\s*)?<ListBucketResult[\s>]/;
/** Comments, CDATA and definitions: object stores write none here, and tags inside them must not be read. */
const MARKUP = '<!';

/** Removes the entries from a page and returns them. Undefined for a page in another form, which needs a parser. */
export function takeContents(xml: string): Contents | undefined {
  if (!LIST.test(xml) || xml.includes(MARKUP)) return undefined;
  const taken = takeElements(xml, 'Contents');
  if (taken === undefined || taken.rest.includes('<Contents')) return undefined;
  const entries: Entry[] = [];
  for (const content of taken.found) {
    const [key, etag, size] = [
      elementText(content, 'Key'),
      elementText(content, 'ETag'),
      elementText(content, 'Size'),
    ];
    if (key === undefined || etag === undefined || size === undefined) return undefined;
    entries.push({ key, etag, size });
  }
  return { entries, rest: taken.rest };
}
