export { ForgeError } from './errors.ts';
export {
  checkGitHubApp,
  createInstallationToken,
  type GitHubApp,
  type InstallationToken,
  type TokenOptions,
} from './github-app.ts';
