// The little of XML that lists and errors of object stores need. Searching for tags can't be led astray by elements
// inside each other, and takes a time that grows with the text alone.

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The contents of all elements of that name and without attributes; undefined if one of them doesn't end. */
export function elementsOf(xml: string, name: string): string[] | undefined {
  return takeElements(xml, name)?.found;
}

/** The same, and what is left of the text without those elements. */
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

/** The text of the first element of that name that has no attributes; undefined where there is none. */
export function textOf(xml: string, name: string): string | undefined {
  const begin = xml.indexOf(`<${name}>`);
  if (begin < 0) return undefined;
  const from = begin + name.length + 2;
  const to = xml.indexOf(`</${name}>`, from);
  return to < 0 ? undefined : unescaped(xml.slice(from, to));
}

export interface Element {
  text: string;
  /** As they stand in the tag. */
  attributes: string;
}

/** The first element of that name as a text; undefined where there is none. */
export function elementOf(xml: string, name: string): Element | undefined {
  const tag = new RegExp(`<${name}(\\s[^<>]{0,200})?>`).exec(xml);
  if (tag === null) return undefined;
  const from = tag.index + tag[0].length;
  const to = xml.indexOf(`</${name}>`, from);
  if (to < 0) return undefined;
  return { text: unescaped(xml.slice(from, to)), attributes: tag[1] ?? '' };
}

function unescaped(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(
    /&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([0-9A-Fa-f]{1,6}));/g,
    (all, name?: string, decimal?: string, hex?: string) => {
      if (name !== undefined) return ENTITIES[name] ?? all;
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : all;
    },
  );
}
