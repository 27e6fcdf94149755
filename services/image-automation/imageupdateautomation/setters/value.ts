// Writes a value as YAML, in the style of the one that it replaces.

export type Style = 'plain' | 'single' | 'double' | 'block';

/** Words that YAML 1.1 or 1.2 reads as something other than text. */
const WORDS = /^(?:~|null|true|false|yes|no|on|off|y|n|=|<<|[-+]?\.inf|\.nan)$/i;
/** Numbers of YAML 1.1 or 1.2: decimal, hexadecimal, octal, binary, base 60, with digits that are grouped. */
const NUMBERS =
  /^[-+]?(?:0x[0-9a-f_]+|0o[0-7_]+|0b[01_]+|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|(?:[0-9][0-9_]*)?\.?[0-9_]+(?:e[-+]?[0-9]+)?|[0-9][0-9_]*\.(?:e[-+]?[0-9]+)?)$/i;
const DATES = /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:$|[Tt \t])/;
/** Text that needs no quotes anywhere, unless it is one of the above. */
const SAFE = /^[A-Za-z0-9_./][A-Za-z0-9_.@/+-]*(?::[A-Za-z0-9_.@/+-]+)*$/;

/** Whether the text without quotes would be read as a number, a date, null or the like, or would be invalid YAML. */
export function needsQuotes(value: string): boolean {
  return !SAFE.test(value) || WORDS.test(value) || NUMBERS.test(value) || DATES.test(value);
}

/**
 * A value as YAML on one line. Quotes stay as they were; a plain value gets double quotes where it would be read as something
 * else, as in Flux.
 */
export function written(value: string, style: Exclude<Style, 'block'>): string {
  if (style === 'single' && !hasControls(value)) return `'${value.replaceAll("'", "''")}'`;
  if (style === 'plain' && !needsQuotes(value)) return value;
  return JSON.stringify(value);
}

function hasControls(value: string): boolean {
  return [...value].some((character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x20 || code === 0x7f;
  });
}
