import { inspect, styleText } from 'node:util';
import type { DestinationStream } from 'pino';

type Style = Parameters<typeof styleText>[0];

const STYLES: Record<string, Style> = {
  trace: 'gray',
  debug: 'gray',
  info: 'green',
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
};
const SHOWN_APART = new Set(['level', 'ts', 'service', 'msg', 'err', 'trace_id', 'span_id']);

/** Turns the logger's JSON lines into lines for a person: time, level, service, message, key=value. */
export function prettyDestination(
  destination: DestinationStream,
  color = process.stdout.isTTY === true,
): DestinationStream {
  const paint = (style: Style, text: string) =>
    color ? styleText(style, text, { validateStream: false }) : text;
  return { write: (line: string) => destination.write(`${prettyLine(line, paint)}\n`) };
}

function prettyLine(line: string, paint: (style: Style, text: string) => string): string {
  const record: unknown = JSON.parse(line);
  if (typeof record !== 'object' || record === null) return line.trimEnd();
  const fields = new Map<string, unknown>(Object.entries(record));
  const level = String(fields.get('level'));
  const parts = [
    paint('gray', String(fields.get('ts')).slice(11, 23)),
    paint(STYLES[level] ?? 'white', level.toUpperCase().padEnd(5)),
    paint('cyan', String(fields.get('service')).padEnd(12)),
    String(fields.get('msg') ?? ''),
  ];
  for (const [key, value] of fields) {
    if (!SHOWN_APART.has(key)) parts.push(`${paint('gray', `${key}=`)}${plain(value)}`);
  }
  return parts.join(' ') + errorText(fields.get('err'));
}

function plain(value: unknown): string {
  if (typeof value !== 'string') return inspect(value, { breakLength: Infinity, depth: 4 });
  return /[\s"=]/.test(value) ? JSON.stringify(value) : value;
}

function errorText(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { stack, message } = error as { stack?: unknown; message?: unknown };
  return `\n  ${String(stack ?? message).replaceAll('\n', '\n  ')}`;
}
