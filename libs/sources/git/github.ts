// Reads the Secret of `provider: github`. Error messages are those of Flux.
import { FETCH_FAILED, Reason } from '@weir/api';
import { checkGitHubApp, type GitHubApp } from '@weir/forge';
import { Failure } from '@weir/reconcile';

/**
 * The app whose data a Secret holds.
 * @param name the secret's `namespace/name`, for messages
 * @throws Failure InvalidProviderConfiguration when the Secret has no data of an app; Error for data that is wrong
 */
export function appFrom(data: ReadonlyMap<string, string>, name: string): GitHubApp {
  const [id, owner, installation, privateKey] = [
    ...['githubAppID', 'githubAppInstallationOwner', 'githubAppInstallationID'],
    'githubAppPrivateKey',
  ].map((key) => data.get(key));
  if ([id, owner, installation, privateKey].every((value) => value === undefined)) throw noApp();
  const missing = (key: string) => new Error(`secret '${name}': key '${key}' not found`);
  if (id === undefined) throw missing('githubAppID');
  if (privateKey === undefined) throw missing('githubAppPrivateKey');
  if ((owner === undefined) === (installation === undefined)) {
    const keys = "'githubAppInstallationOwner' or 'githubAppInstallationID'";
    throw new Error(`secret '${name}' must contain exactly one of ${keys}`);
  }
  const baseUrl = data.get('githubAppBaseURL')?.trim();
  const app: GitHubApp = {
    id: id.trim(),
    privateKey,
    installation:
      owner === undefined ? { id: (installation ?? '').trim() } : { owner: owner.trim() },
    ...(baseUrl ? { baseUrl } : {}),
  };
  checkGitHubApp(app);
  return app;
}

/** @param stalled whether only a changed spec can help */
export function noApp(stalled = false): Failure {
  const message = 'secretRef with github app data must be specified when provider is set to github';
  const options = { condition: FETCH_FAILED, stalled };
  return new Failure(Reason.InvalidProviderConfiguration, message, options);
}
