import type { KeyObject } from 'node:crypto';

/** Whose signatures count. */
export interface Trust {
  keys: KeyObject[];
  /** Stands for the keys. */
  fingerprint: string;
}
