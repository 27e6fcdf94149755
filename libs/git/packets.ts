// Git's packet lines (gitprotocol-common, pkt-line).

/** Length of the number in front of a line, which counts itself. */
const HEAD = 4;
const MAX_LINE = 65_520;
const SPECIAL = { '0000': 'flush', '0001': 'delimiter', '0002': 'end' } as const;

/** A line without its line feed, or a mark between lines. */
export type Packet = string | { mark: (typeof SPECIAL)[keyof typeof SPECIAL] };

export const FLUSH = '0000';
export const DELIMITER = '0001';

export function packet(line: string): string {
  const length = Buffer.byteLength(line) + 1 + HEAD;
  return `${length.toString(16).padStart(HEAD, '0')}${line}\n`;
}

/** Undefined for invalid packets, or an end within a line. */
export function readPackets(bytes: Buffer): Packet[] | undefined {
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length; ) {
    const head = bytes.toString('latin1', at, at + HEAD);
    if (head in SPECIAL) {
      packets.push({ mark: SPECIAL[head as keyof typeof SPECIAL] });
      at += HEAD;
      continue;
    }
    const length = /^[0-9a-f]{4}$/i.test(head) ? Number.parseInt(head, 16) : 0;
    if (length < HEAD || length > MAX_LINE || at + length > bytes.length) return undefined;
    packets.push(bytes.toString('utf8', at + HEAD, at + length).replace(/\n$/, ''));
    at += length;
  }
  return packets;
}
