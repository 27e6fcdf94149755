// Finds the marked values of a file. The parsed YAML is never written back: the ranges say which characters a change
// replaces, and all others stay.
import { isUtf8 } from 'node:buffer';
import { isAlias, isMap, isScalar, isSeq, type Node, parseAllDocuments, type Scalar } from 'yaml';
import { setterOf } from './marker.ts';
import type { Style } from './value.ts';

/** The object whose YAML has the value; empty texts for fields that it lacks. */
export interface ObjectIdentifier {
  apiVersion: string;
  kind: string;
  name: string;
  namespace: string;
}

export interface MarkedValue {
  /** As the marker has it: `namespace:policy`, or with `:tag` and the like at its end. */
  setter: string;
  value: string;
  style: Style;
  /** Its range with quotes, in UTF-16 units of the file's text; for a block scalar from its indicator on. */
  start: number;
  end: number;
  object: ObjectIdentifier;
}

/**
 * The marked values of a file, in their order; none for a file that isn't YAML, which Flux doesn't report either. As in
 * Flux every document has to be a mapping, or empty. An alias is never marked; the value that it refers to may be.
 */
export function findMarkedValues(content: Buffer): MarkedValue[] {
  if (!isUtf8(content)) return [];
  const text = content.toString('utf8');
  const found: MarkedValue[] = [];
  try {
    const options = { uniqueKeys: false, logLevel: 'silent' } as const;
    for (const document of parseAllDocuments(text, options)) {
      const { contents, errors } = document;
      const isEmpty = contents === null || (isScalar(contents) && contents.value === null);
      if (errors.length > 0 || !(isEmpty || isMap(contents))) return [];
      if (!isEmpty && !collect(text, contents as Node, found)) return [];
    }
  } catch (error) {
    // YAML that is nested so deeply that it can't be composed is treated as no YAML.
    if (error instanceof RangeError) return [];
    throw error;
  }
  return found;
}

/** False for a document with an alias to nothing, which isn't valid YAML. */
function collect(text: string, root: Node, found: MarkedValue[]): boolean {
  const items = isMap(root) && root.get('kind') === 'List' ? root.get('items') : undefined;
  const anchors = new Set<string>();
  let isWhole = true;

  function visit(node: unknown, of: ObjectIdentifier, key?: Node): void {
    if (isAlias(node)) isWhole = isWhole && anchors.has(node.source);
    else anchors.add((node as Node | null)?.anchor ?? '');
    if (isScalar(node)) {
      const marked = read(text, node, key);
      if (marked) found.push({ ...marked, object: of });
    } else if (isMap(node)) {
      for (const pair of node.items) {
        visitKey(pair.key);
        visit(pair.value, of, pair.key as Node);
      }
    } else if (isSeq(node)) {
      const areObjects = node === items;
      for (const item of node.items) visit(item, areObjects ? identify(item as Node) : of);
    }
  }
  /** A key is never marked, but it may contain anchors and aliases. */
  function visitKey(key: unknown): void {
    const before = found.length;
    visit(key, NOTHING);
    found.length = before;
  }
  visit(root, identify(root));
  return isWhole;
}

const NOTHING: ObjectIdentifier = { apiVersion: '', kind: '', name: '', namespace: '' };

function identify(node: Node): ObjectIdentifier {
  const at = (...path: string[]) => {
    const value = isMap(node) ? node.getIn(path) : undefined;
    return typeof value === 'string' ? value : '';
  };
  return {
    apiVersion: at('apiVersion'),
    kind: at('kind'),
    name: at('metadata', 'name'),
    namespace: at('metadata', 'namespace'),
  };
}

const STYLES: Record<string, Style> = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'block',
  BLOCK_FOLDED: 'block',
};

function read(
  text: string,
  scalar: Scalar,
  key: Node | undefined,
): Omit<MarkedValue, 'object'> | undefined {
  const { range, type = '' } = scalar;
  const style = STYLES[type];
  if (!range || style === undefined) return undefined;
  const [start, end] = range;
  // An empty value, as in `image: # marker`, has no characters.
  if (style === 'plain' && start === end) return undefined;
  const comment = commentOf(text, { start, end, style, key });
  const setter = comment === undefined ? undefined : setterOf(comment);
  if (setter === undefined) return undefined;
  const value = style === 'plain' ? (scalar.source ?? '') : String(scalar.value);
  return { setter, value, style, start, end };
}

/** The comment after a value on its line, or after its key if the value begins on a later line. */
function commentOf(
  text: string,
  {
    start,
    end,
    style,
    key,
  }: Pick<MarkedValue, 'start' | 'end' | 'style'> & { key?: Node | undefined },
): string | undefined {
  if (style === 'block') return /^[|>]\S*[ \t]+#(.*)/.exec(lineFrom(text, start))?.[1];
  const behind = /^[ \t]*(?:,[ \t]*)?#(.*)/.exec(lineFrom(text, end))?.[1];
  const keyEnd = key?.range?.[1];
  if (behind !== undefined || keyEnd === undefined) return behind;
  const line = lineFrom(text, keyEnd);
  if (keyEnd + line.length >= start) return undefined;
  return /^[ \t]*:(?:[ \t]+[&!]\S*)*[ \t]+#(.*)/.exec(line)?.[1];
}

/** The rest of the line from an offset on, without its end. */
function lineFrom(text: string, from: number): string {
  const end = text.indexOf('\n', from);
  return text.slice(from, end < 0 ? text.length : end).replace(/\r$/, '');
}
