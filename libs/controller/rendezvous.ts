// Rendezvous hashing (Thaler and Ravishankar, 1996): each member draws a lot for each key and the
// highest one owns it. Who comes takes only what is theirs; who goes leaves theirs to the others.

/** The owner of the key among the members, whatever their order; undefined when there are none. */
export function ownerOf(key: string, members: readonly Member[]): string | undefined {
  const hash = hashOf(key);
  let owner: Member | undefined;
  let highest = -1;
  for (const member of members) {
    const lot = mix(hash ^ member.hash);
    // Two equal lots are as good as impossible, but replicas must agree on them all the same.
    if (lot > highest || (lot === highest && owner && member.identity > owner.identity)) {
      owner = member;
      highest = lot;
    }
  }
  return owner?.identity;
}

/** A member with its hash, which is wanted for every key. */
export interface Member {
  identity: string;
  hash: number;
}

export function memberOf(identity: string): Member {
  return { identity, hash: mix(hashOf(identity)) };
}

/** FNV-1a over UTF-16 code units, well enough spread once it is mixed. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}

/** MurmurHash3's finalizer: every bit of the input moves every bit of the result. */
function mix(value: number): number {
  let hash = value >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
