import type { IncomingMessage } from 'node:http';

/** An answer is larger than its reader accepts. */
export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge';
  readonly reason = 'AnswerTooLarge';

  constructor(maxBytes: number) {
    super(`the answer has more than ${maxBytes} bytes`);
  }
}

/**
 * Reads the body of an answer into memory. The connection is closed unless the body was read completely.
 * @throws AnswerTooLarge; Node's error when the connection breaks
 */
export async function readBounded(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw new AnswerTooLarge(maxBytes);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } finally {
    response.destroy();
  }
}
