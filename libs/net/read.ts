import type { IncomingMessage } from 'node:http';

/** An answer that has more than whoever asked takes. */
export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge';
  readonly reason = 'AnswerTooLarge';

  constructor(maxBytes: number) {
    super(`the answer has more than ${maxBytes} bytes`);
  }
}

/**
 * Reads the body of an answer into memory; what is longer is cut off. Its connection is given up unless it was read whole.
 * @throws AnswerTooLarge; what Node says of a connection that breaks
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
