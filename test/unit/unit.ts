// `npm run unit`: runs the tests beside the code, by package, and ends with those that failed. Arguments go to Nx, such as
// `-- --projects=@weir/kube`.
import { join } from 'node:path';
import { cacheFolder } from '@weir/render/gobuild';
import { runTests } from './run.ts';

const TESTS = ['run-many', '--target=test', '--parallel=2', '--output-style=stream'];

// Each test file is a process, and half of what its start costs is to compile what the one before has compiled already.
process.env.NODE_COMPILE_CACHE ??= join(cacheFolder(), 'node');
process.exitCode = await runTests('nx', [...TESTS, ...process.argv.slice(2)]);
