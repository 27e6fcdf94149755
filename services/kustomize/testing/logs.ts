// A logger that keeps everything that a service writes, at all levels.
import { createLogger, type Logger } from '@weir/telemetry';

export interface KeptLog {
  log: Logger;
  /** The lines so far, as they would be in the container's log. */
  lines: readonly string[];
}

export function keepLog(service: string): KeptLog {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { log: createLogger({ service, level: 'trace', destination }), lines };
}
