export { ed25519InPkcs8 } from './ed25519.ts';
export { createHostileRepository, type HostileEntry, type HostileRepository } from './hostile.ts';
export { createTestRepository, type TestRepository } from './repository.ts';
