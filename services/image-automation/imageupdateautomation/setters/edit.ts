// Replaces marked values in the text of a file, and leaves every other character unchanged.
import type { SetterValues } from './marker.ts';
import type { MarkedValue, ObjectIdentifier } from './scan.ts';
import { written } from './value.ts';

/** One value that a policy changes. */
export interface Change {
  setter: string;
  oldValue: string;
  newValue: string;
  object: ObjectIdentifier;
}

/** The marked values that differ from the choices of the policies. */
export function changesOf(marked: readonly MarkedValue[], values: SetterValues): Change[] {
  return planOf(marked, values).map(({ value, newValue, setter, object }) => ({
    ...{ setter, object, newValue },
    oldValue: value,
  }));
}

/** The content with the values that the policies chose; `marked` is the result of `findMarkedValues` for it. */
export function withValues(
  content: Buffer,
  marked: readonly MarkedValue[],
  values: SetterValues,
): Buffer {
  const text = content.toString('utf8');
  const parts: string[] = [];
  let at = 0;
  for (const planned of planOf(marked, values)) {
    parts.push(text.slice(at, planned.start), replacement(text, planned));
    at = planned.end;
  }
  return Buffer.from(parts.join('') + text.slice(at));
}

type Planned = MarkedValue & { newValue: string };

function planOf(marked: readonly MarkedValue[], values: SetterValues): Planned[] {
  return marked.flatMap((one) => {
    const newValue = values(one.setter, one.value);
    return newValue === undefined || newValue === one.value ? [] : [{ ...one, newValue }];
  });
}

function replacement(text: string, { start, end, style, newValue }: Planned): string {
  if (style !== 'block') return written(newValue, style);
  const block = text.slice(start, end);
  // The indicator, the rest of its line, the line's end; the indentation of the text, the text, and the empty lines
  // after it.
  const match =
    /^[|>]\S*([^\r\n]*)(\r?\n|$)((?:[ \t]*\r?\n)*)([ \t]*)([\s\S]*?)((?:\r?\n[ \t]*)*)$/.exec(
      block,
    );
  const [, comment = '', lineEnd = '\n', , indent = '', , rest = ''] = match ?? [];
  return `|-${comment}${lineEnd || '\n'}${indent || indentAt(text, start)}${newValue}${rest}`;
}

/** The indentation for an empty block: two more than that of its line. */
function indentAt(text: string, start: number): string {
  const line = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  return `${/^[ \t]*(?:- +)*/.exec(line)?.[0].replaceAll('-', ' ') ?? ''}  `;
}
