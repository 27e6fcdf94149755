export { type FakeForge, type FakePullRequest, startFakeForge } from './fake-forge.ts';
