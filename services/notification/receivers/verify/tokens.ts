// Types whose callers send the token, or nothing at all: then only the secret path protects the webhook.
import {
  type Call,
  CallRefused,
  checkEvent,
  headerOf,
  isRecord,
  isSame,
  jsonOf,
  tokenOf,
  type Verify,
} from './request.ts';

export const generic: Verify = () => ({});

/** GitLab: https://docs.gitlab.com/user/project/integrations/webhooks/, "Secret token". */
export const gitlab: Verify = (call, verifying) => {
  checkToken(headerOf(call, 'x-gitlab-token'), tokenOf(verifying));
  checkEvent(verifying, headerOf(call, 'x-gitlab-event'));
  return {};
};

/** Harbor sends its "auth header" as it is: https://goharbor.io/docs/main/working-with-projects/project-configuration/configure-webhooks/ */
export const harbor: Verify = (call, verifying) => {
  checkToken(headerOf(call, 'authorization'), tokenOf(verifying));
  return {};
};

/** Docker Hub: https://docs.docker.com/docker-hub/repos/manage/webhooks/ */
export const dockerhub: Verify = (call) => {
  const payload = objectOf(call);
  const { push_data: pushData = {}, repository = {} } = payload;
  check(hasTexts(pushData, ['tag']) && hasTexts(repository, ['repo_url']));
  return {};
};

/** Quay: https://docs.quay.io/guides/notifications.html, "Repository Push". */
export const quay: Verify = (call) => {
  const payload = objectOf(call);
  const { updated_tags: tags = [] } = payload;
  const areTexts = Array.isArray(tags) && tags.every((tag) => typeof tag === 'string');
  check(hasTexts(payload, ['docker_url']) && (tags === null || areTexts));
  return {};
};

/** Azure: https://learn.microsoft.com/en-us/azure/container-registry/container-registry-webhook-reference */
export const acr: Verify = (call) => {
  const payload = objectOf(call);
  check(hasTexts(payload, ['action']) && hasTexts(payload.target ?? {}, ['repository', 'tag']));
  return {};
};

function checkToken(given: string, wanted: Buffer): void {
  if (!isSame(Buffer.from(given), wanted)) throw new CallRefused('bad token');
}

function objectOf(call: Call): Record<string, unknown> {
  const payload = jsonOf(call);
  if (!isRecord(payload)) throw new CallRefused('the body is no JSON object');
  return payload;
}

/** Whether these fields are strings, if they exist. */
function hasTexts(value: unknown, names: readonly string[]): boolean {
  if (!isRecord(value)) return value === null;
  return names.every((name) => ['string', 'undefined'].includes(typeof (value[name] ?? undefined)));
}

function check(holds: boolean): void {
  if (!holds) throw new CallRefused('a field of the body has another type than it should');
}
