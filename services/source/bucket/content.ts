/** Bytes in memory as a stream of one piece. */
export async function* only(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}
