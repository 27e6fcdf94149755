// The types of Provider that comment on pull requests, and GitHub's workflows.

import type { FluxEvent } from '@weir/events';
import {
  type CommentRequest,
  dispatchGitHubEvent,
  setGiteaComment,
  setGitHubComment,
  setGitLabComment,
} from '@weir/forge';
import { DeliveryError } from '../../delivery/errors.ts';
import { CHANGE_REQUEST, objectPath, statusMarkdown, wireEvent } from '../message.ts';
import type { ProviderType } from '../provider.ts';
import { type AccessFor, accessWith, asProvider, repositoryOf, tokenCredentials } from './call.ts';
import { gitHubAccess } from './github.ts';

interface Comments {
  set(request: CommentRequest): Promise<void>;
  access: AccessFor;
  /** Begins the mark by which a comment is found again. */
  mark: string;
}

export const githubpullrequestcomment = comments({
  set: setGitHubComment,
  access: gitHubAccess,
  mark: 'flux-pr-comment-key',
});

export const gitlabmergerequestcomment = comments({
  set: setGitLabComment,
  access: accessWith(tokenCredentials),
  mark: 'flux-mr-comment-key',
});

export const giteapullrequestcomment = comments({
  set: setGiteaComment,
  access: accessWith(tokenCredentials),
  mark: 'flux-pr-comment-key',
});

/** Triggers the workflows of a repository (`repository_dispatch`), with the event as their payload. */
export const githubdispatch: ProviderType = {
  certificates: 'secretRef too',
  address: 'any',
  send: (event, target, io) =>
    asProvider(async () => {
      const { kind, name, namespace } = event.involvedObject;
      await dispatchGitHubEvent({
        repository: repositoryOf(target),
        ...(await gitHubAccess(target, io)),
        type: `${kind}/${name}.${namespace}`,
        payload: wireEvent(event),
      });
    }),
};

/** One comment for each object, which is changed with each event. */
function comments({ set, access, mark }: Comments): ProviderType {
  return {
    certificates: 'secretRef too',
    address: 'any',
    send: (event, target, io) =>
      asProvider(async () => {
        const repository = repositoryOf(target);
        const { call, credentials } = await access(target, io);
        const number = numberOf(event);
        if (number === undefined) return;
        const key = `<!-- ${mark}:${target.provider.uid}/${objectPath(event)} -->`;
        const text = `${key}\n\n${statusMarkdown(event)}`;
        await set({ call, repository, credentials, number, key, text });
      }),
  };
}

function numberOf({ metadata }: FluxEvent): number | undefined {
  const text = metadata?.[CHANGE_REQUEST];
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new DeliveryError(
    'InvalidEvent',
    `invalid "${CHANGE_REQUEST}" metadata value "${text.slice(0, 100)}": it must be a number`,
  );
}
