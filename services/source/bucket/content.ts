/** Bytes in memory as a content that is read. */
export async function* only(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}
