/** Which replicas there are, and which of them owns what. */
export interface Membership {
  /** Whether this replica may act on what has this key now. */
  owns(key: string): boolean;
  /** Call before a write; throws `NotOwner` when not owned or the lease margin is gone. */
  guard(key: string): void;
  /** Identities of the live replicas, this one among them once it has joined; sorted. */
  members(): string[];
  /** Calls back whenever `owns` may answer differently; returns the way to stop that. */
  onChange(callback: () => void): () => void;
  /** Whether this replica has joined and its lease is safe. */
  healthy(): boolean;
  /** Leaves: acts no more, and tells the others so that they take over at once. */
  close(): Promise<void>;
}

/** A write was refused because another replica may own the object; nothing is wrong. */
export class NotOwner extends Error {
  override name = 'NotOwner';
  readonly reason = 'NotOwner';
}
