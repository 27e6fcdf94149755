// The objects in a page of a list, read without a parser of XML: the SDK takes 10 µs for each of them, which is most of what a
// look at a large bucket costs.
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
/** Comments, CDATA and definitions: no object store writes them here, and tags inside them would be none. */
const MARKUP = '<!';

/** Takes the entries out of a page. Undefined for one that isn't written as object stores write it, which a parser is for. */
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
