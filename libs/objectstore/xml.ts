// Reads the XML elements that lists and errors of object stores have. The search for tags is not confused by nested
// elements, and its time grows only with the length of the text.
import { unescapeXml } from '@weir/net/xml';

/** The contents of all elements of that name and without attributes; undefined if one of them doesn't end. */
export function elementsOf(xml: string, name: string): string[] | undefined {
  return takeElements(xml, name)?.found;
}

/** The same, with the rest of the text without those elements. */
export function takeElements(
  xml: string,
  name: string,
): { found: string[]; rest: string } | undefined {
  const [begin, end] = [`<${name}>`, `</${name}>`];
  const found: string[] = [];
  let rest = '';
  let last = 0;
  for (let from = xml.indexOf(begin); from >= 0; from = xml.indexOf(begin, last)) {
    const to = xml.indexOf(end, from);
    if (to < 0) return undefined;
    found.push(xml.slice(from + begin.length, to));
    rest += xml.slice(last, from);
    last = to + end.length;
  }
  return { found, rest: rest + xml.slice(last) };
}

export interface Element {
  text: string;
  /** The attributes as written in the tag. */
  attributes: string;
}

/** The first element of that name as text; undefined if there is none. */
export function elementOf(xml: string, name: string): Element | undefined {
  const tag = new RegExp(`<${name}(\\s[^<>]{0,200})?>`).exec(xml);
  if (tag === null) return undefined;
  const from = tag.index + tag[0].length;
  const to = xml.indexOf(`</${name}>`, from);
  if (to < 0) return undefined;
  return { text: unescapeXml(xml.slice(from, to)), attributes: tag[1] ?? '' };
}
