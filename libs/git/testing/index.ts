export { createHostileRepository, type HostileEntry, type HostileRepository } from './hostile.ts';
export { createTestRepository, type TestRepository } from './repository.ts';
