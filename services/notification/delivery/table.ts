import type { DeadLetter } from './dead-letters.ts';
import type { AlertOutcome } from './outcomes.ts';

export interface Known {
  /** By `<namespace>/<name>` of the alert. */
  waiting: ReadonlyMap<string, number>;
  givenUp: ReadonlyMap<string, number>;
  outcomes: ReadonlyMap<string, AlertOutcome>;
  /** The newest dead letters, oldest first. */
  letters: readonly DeadLetter[];
}

/** A row for each alert, and below it a line for each dead letter. Texts of others are kept on one line. */
export function describeTable({ waiting, givenUp, outcomes, letters }: Known): string {
  const alerts = [...new Set([...waiting.keys(), ...givenUp.keys(), ...outcomes.keys()])].sort();
  if (alerts.length === 0) return 'Nothing was delivered, waits or was given up.\n';
  const header = [
    'ALERT',
    'WAITING',
    'DEAD LETTERS',
    'SENT',
    'FAILED',
    'LAST SENT',
    'LAST FAILURE',
  ];
  const rows = alerts.map((alert) => {
    const { sent = 0, failed = 0, dropped = 0, lastSent, lastFailure } = outcomes.get(alert) ?? {};
    return [
      alert,
      String(waiting.get(alert) ?? 0),
      String(givenUp.get(alert) ?? 0),
      String(sent),
      String(failed + dropped),
      lastSent ? `${lastSent.at} ${lastSent.object}` : '-',
      lastFailure ? `${lastFailure.at} ${lastFailure.object}: ${lastFailure.why}` : '-',
    ].map(onOneLine);
  });
  const lines = letters.map(({ alert, object, at, cause, why }) =>
    onOneLine(
      `${at} ${alert?.namespace}/${alert?.name} ${object?.kind}/${object?.namespace}/${object?.name} (${cause}): ${why}`,
    ),
  );
  const dead =
    lines.length > 0
      ? `\nThe newest dead letters; --replay sends them again:\n${lines.join('\n')}\n`
      : '';
  return `${aligned([header, ...rows])}${dead}`;
}

/** Control characters could overwrite other text in a terminal. */
function onOneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}

function aligned(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return `${rows.map(line).join('\n')}\n`;
}
