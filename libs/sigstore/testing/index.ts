export { startTufRepository, type TufRepository } from './tuf-repository.ts';
