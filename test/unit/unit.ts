// `npm run unit`: runs the tests beside the code, by package, and ends with those that failed. Arguments go to Nx, such as
// `-- --projects=@weir/kube`.
import { runTests } from './run.ts';

const TESTS = ['run-many', '--target=test', '--parallel=2', '--output-style=stream'];

process.exitCode = await runTests('nx', [...TESTS, ...process.argv.slice(2)]);
