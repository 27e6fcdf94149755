import { once } from 'node:events';
import type { Socket } from 'node:net';
import { DeliveryError } from '../../delivery/errors.ts';

/** Reads a connection line by line; a line ends with CRLF. */
export interface LineReader {
  /** The next line. Rejects with a DeliveryError when the connection ends, or for a line of more than 1 MiB. */
  next(): Promise<string>;
  /** Leaves the connection to somebody else. */
  release(): void;
}

const MAX_LINE = 1024 * 1024;

export function lineReader(socket: Socket, signal: AbortSignal): LineReader {
  let text = '';
  let ended = false;
  const add = (chunk: Buffer) => {
    text += chunk.toString('latin1');
    if (text.length > MAX_LINE) socket.destroy();
    socket.emit('weir-line');
  };
  const end = () => {
    ended = true;
    socket.emit('weir-line');
  };
  socket.on('data', add).on('close', end).on('error', end);
  socket.resume();
  return {
    async next() {
      for (;;) {
        const place = text.indexOf('\r\n');
        if (place >= 0) {
          const line = text.slice(0, place);
          text = text.slice(place + 2);
          return line;
        }
        if (ended || socket.destroyed) {
          throw new DeliveryError('Unreachable', 'the server closed the connection', {
            permanent: false,
          });
        }
        await once(socket, 'weir-line', { signal });
      }
    },
    release() {
      socket.off('data', add).off('close', end).off('error', end);
      socket.pause();
    },
  };
}
