// Makes the JSON patch from one value to another as Flux does (with the Go library wI2L/jsondiff and `Rationalize`):
// its operations are counted in events, and sent to correct drift.
import type { JsonPatchOperation } from '@weir/apply';

/** The operations that change `source` into `target`, with keys in the order of their bytes. */
export function jsonDiff(source: unknown, target: unknown): JsonPatchOperation[] {
  return difference('', source, target);
}

function difference(path: string, source: unknown, target: unknown): JsonPatchOperation[] {
  if (kindOf(source) !== kindOf(target)) {
    return [{ op: path === '' ? 'add' : 'replace', path, value: target }];
  }
  let operations: JsonPatchOperation[];
  if (Array.isArray(source) && Array.isArray(target)) {
    operations = arrayDifference(path, source, target);
  } else if (isMap(source) && isMap(target)) {
    operations = mapDifference(path, source, target);
  } else {
    return source === target ? [] : [{ op: 'replace', path, value: target }];
  }
  return rationalized(path, target, operations);
}

/** One replacement, if the smaller operations together have more bytes. */
function rationalized(
  path: string,
  target: unknown,
  operations: JsonPatchOperation[],
): JsonPatchOperation[] {
  if (operations.length === 0) return operations;
  const replacement: JsonPatchOperation = { op: 'replace', path, value: target };
  const commas = operations.length - 1;
  const bytes = operations.reduce((sum, operation) => sum + bytesOf(operation), commas);
  return bytes > bytesOf(replacement) ? [replacement] : operations;
}

function mapDifference(
  path: string,
  source: Record<string, unknown>,
  target: Record<string, unknown>,
): JsonPatchOperation[] {
  const keys = new Set([...Object.keys(source), ...Object.keys(target)]);
  return [...keys].sort(byBytes).flatMap((key): JsonPatchOperation[] => {
    const child = `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (!Object.hasOwn(target, key)) return [{ op: 'remove', path: child }];
    if (!Object.hasOwn(source, key)) return [{ op: 'add', path: child, value: target[key] }];
    return difference(child, source[key], target[key]);
  });
}

/** Items are compared by index: surplus ones are removed first, missing ones are appended. */
function arrayDifference(
  path: string,
  source: readonly unknown[],
  target: readonly unknown[],
): JsonPatchOperation[] {
  const common = Math.min(source.length, target.length);
  const removed = source.slice(common).map(() => ({ op: 'remove', path: `${path}/${common}` }));
  const changed = source
    .slice(0, common)
    .flatMap((item, index) => difference(`${path}/${index}`, item, target[index]));
  const added = target.slice(common).map((value) => ({ op: 'add', path: `${path}/-`, value }));
  return [...removed, ...changed, ...added] as JsonPatchOperation[];
}

/** The size of an operation as the library counts it: without the values of additions. Bytes. */
function bytesOf({ op, path, value }: JsonPatchOperation): number {
  const base = '{"op":"","path":""}'.length + op.length + Buffer.byteLength(path);
  if (op === 'remove') return base;
  return base + ',"value":'.length + (op === 'replace' ? encodedBytes(value) : 0);
}

/** Bytes of a value in Go's encoding, which escapes the characters that are special in HTML. */
function encodedBytes(value: unknown): number {
  const text = JSON.stringify(value) ?? 'null';
  return Buffer.byteLength(text.replace(/[<>&\u2028\u2029]/g, '\\u0000'));
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function isMap(value: unknown): value is Record<string, unknown> {
  return kindOf(value) === 'map';
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'object' ? 'map' : typeof value;
}
