import type { Settings } from '@weir/service';

/** The limits of one source's contents, for all kinds. */
export interface ContentLimits {
  maxFiles: number;
  /** Bytes of all files together, unpacked. */
  maxBytes: number;
  /** Bytes of the archive. */
  maxPackedBytes: number;
}

const MIB = 1024 ** 2;

/** Reads the flags `artifact-max-files`, `artifact-max-bytes` and `artifact-max-packed-bytes`. */
export function readContentLimits(settings: Settings): ContentLimits {
  return {
    maxFiles: settings.number('artifact-max-files', 100_000, { min: 1 }),
    maxBytes: settings.number('artifact-max-bytes', 512 * MIB, { min: 1 }),
    maxPackedBytes: settings.number('artifact-max-packed-bytes', 128 * MIB, { min: 1 }),
  };
}
