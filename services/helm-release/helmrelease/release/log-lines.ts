// The last lines of Helm's log, which the event of a failure shows.

const MAX_LINES = 10;
/** A line of a template's error may be as long as the template. Characters. */
const MAX_LINE = 1_000;

export interface LogLines {
  add(text: string): void;
  /** Adds the lines, if there are any, to the message. */
  behind(message: string): string;
}

export function createLogLines(now: () => Date = () => new Date()): LogLines {
  const lines: { text: string; at: string; last: string; repeats: number }[] = [];
  return {
    add(text) {
      const at = now().toISOString();
      const cut = text.slice(0, MAX_LINE);
      const last = lines.at(-1);
      if (last?.text === cut) {
        last.last = at;
        last.repeats += 1;
        return;
      }
      lines.push({ text: cut, at, last: at, repeats: 0 });
      if (lines.length > MAX_LINES) lines.shift();
    },
    behind(message) {
      if (lines.length === 0) return message;
      const shown = lines.map(({ text, at, last, repeats }) => {
        if (repeats === 0) return `${at}: ${text}`;
        const omitted =
          repeats === 1
            ? ''
            : ` (${repeats - 1} duplicate ${repeats > 2 ? 'lines' : 'line'} omitted)`;
        return `${at}: ${text}\n${last}: ${text}${omitted}`;
      });
      return `${message}\n\nLast Helm logs:\n\n${shown.join('\n')}`;
    },
  };
}
