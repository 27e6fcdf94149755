/**
 * The frames between the pool and an engine: a length (4 bytes, big endian), then as many bytes of JSON. While a
 * request runs, the engine may send a `callback` that names the request; it gets a `callbackResponse` with the
 * callback's own id.
 */
export type Frame =
  | { type: 'request'; id: number; op: string; body: unknown }
  | { type: 'response'; id: number; body?: unknown; error?: WireError }
  | { type: 'callback'; id: number; request: number; op: string; body: unknown }
  | { type: 'callbackResponse'; id: number; body?: unknown; error?: WireError };

export interface WireError {
  reason: string;
  message: string;
}

/** The largest frame that either side accepts, in bytes of JSON; answers stay below 64 MiB. */
export const MAX_FRAME_BYTES = 256 * 1024 * 1024;

const HEADER_BYTES = 4;

/**
 * Encodes a request, whose body is JSON, for the pipe.
 * @throws RangeError when it is too large
 */
export function encodeRequest(id: number, op: string, body: string): Buffer {
  return encode(`{"type":"request","id":${id},"op":${JSON.stringify(op)},"body":${body}}`);
}

/**
 * Encodes the answer to a callback for the pipe.
 * @throws RangeError when it is too large
 */
export function encodeCallbackResponse(
  id: number,
  answer: { body: unknown } | { error: WireError },
): Buffer {
  return encode(JSON.stringify({ type: 'callbackResponse', id, ...answer }));
}

function encode(text: string): Buffer {
  const json = Buffer.from(text);
  if (json.length > MAX_FRAME_BYTES) {
    throw new RangeError(`frame of ${json.length} bytes is over the limit of ${MAX_FRAME_BYTES}`);
  }
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(json.length);
  return Buffer.concat([header, json]);
}

/**
 * Returns a function that takes the pipe's chunks as they arrive and calls `onFrame` for each complete frame. It throws
 * on anything that isn't a frame; the pipe can't be used after that.
 */
export function frameReader(onFrame: (frame: Frame) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = [];
  let held = 0;
  let wanted = HEADER_BYTES;
  let inBody = false;
  return (chunk) => {
    chunks.push(chunk);
    held += chunk.length;
    while (held >= wanted) {
      const all = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, held);
      const taken = all.subarray(0, wanted);
      chunks = [all.subarray(wanted)];
      held -= wanted;
      if (inBody) {
        inBody = false;
        wanted = HEADER_BYTES;
        onFrame(parseFrame(taken));
      } else {
        inBody = true;
        wanted = taken.readUInt32BE();
        if (wanted > MAX_FRAME_BYTES) throw new Error(`frame of ${wanted} bytes is over the limit`);
      }
    }
  };
}

const FRAME_TYPES: ReadonlySet<unknown> = new Set([
  'request',
  'response',
  'callback',
  'callbackResponse',
]);

function parseFrame(bytes: Buffer): Frame {
  const value: unknown = JSON.parse(bytes.toString('utf8'));
  if (typeof value !== 'object' || value === null) throw new Error('a frame is not a JSON object');
  const frame = value as { type?: unknown; id?: unknown };
  if (!FRAME_TYPES.has(frame.type) || typeof frame.id !== 'number') {
    throw new Error('a frame has no known type or no id');
  }
  return value as Frame;
}
