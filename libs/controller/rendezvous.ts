// Rendezvous hashing (Thaler and Ravishankar, 1996): each member gets a score for each key, and the member with the
// highest score owns the key. A new member takes over only keys for which its score is the highest, and only the keys of a
// member that leaves get other owners.

/** The owner of the key among the members, whatever their order; undefined when there are none. */
export function ownerOf(key: string, members: readonly Member[]): string | undefined {
  const hash = hashOf(key);
  let owner: Member | undefined;
  let highest = -1;
  for (const member of members) {
    const score = mix(hash ^ member.hash);
    // Equal scores are very unlikely, but all replicas have to pick the same owner then as well.
    if (score > highest || (score === highest && owner && member.identity > owner.identity)) {
      owner = member;
      highest = score;
    }
  }
  return owner?.identity;
}

/** A member with the hash of its identity, which is computed once because each key needs it. */
export interface Member {
  identity: string;
  hash: number;
}

export function memberOf(identity: string): Member {
  return { identity, hash: mix(hashOf(identity)) };
}

/** FNV-1a over UTF-16 code units. Its bits are evenly distributed only after `mix`. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}

/** The finalizer of MurmurHash3, in which every bit of the input affects every bit of the result. */
function mix(value: number): number {
  let hash = value >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
