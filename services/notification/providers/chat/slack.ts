import type { ProviderSpec } from '@weir/api';
import type { FluxEvent } from '@weir/events';
import { isError, objectTitle } from '../message.ts';
import type { Io, ProviderType } from '../provider.ts';
import type { Target } from '../target.ts';
import { onlyFinishes, stateOf } from './progress.ts';
import { isMethod, isWebApi, postToSlack } from './slack-api.ts';
import { escapeText, slackBody } from './slack-blocks.ts';
import { sendAsBot } from './slack-bot.ts';
import { slackMessage } from './slack-message.ts';
import { wordsOf } from './words.ts';

/** Where Slack itself takes webhooks. Others that speak its older format don't know Block Kit: Mattermost, Rocket.Chat. */
const SLACK_HOOKS = ['hooks.slack.com', 'hooks.slack-gov.com'];

/**
 * Slack: with a bot's token one message a rollout, which changes in place; by an incoming webhook a message an event.
 * A webhook that isn't Slack's own gets Flux's attachment.
 */
export const slack: ProviderType = {
  takesCommitStatus: mayBeBot,
  updates: isWebApi,
  async send(event, target, io) {
    if (isWebApi(target)) return sendAsBot(event, target, io);
    // Of others these are none that come here: an annotation may say the same, and is a message.
    if (onlyFinishes(event) && mayBeBot(target.provider.object.spec)) return;
    const { hostname } = new URL(target.address);
    const body = SLACK_HOOKS.includes(hostname) ? blocks(event, target) : attachment(event, target);
    await post(body, event, target, io);
  },
};

/** A bot has a token, which is in a Secret; the address may be there too. */
function mayBeBot({ address, secretRef }: ProviderSpec): boolean {
  return secretRef !== undefined && (address === undefined || isMethod(address));
}

async function post(body: object, event: FluxEvent, target: Target, io: Io): Promise<void> {
  const { channel = '', username } = target;
  const named = { channel, username: username || event.reportingController, ...body };
  await postToSlack(target.address, target, named, io);
}

function blocks(event: FluxEvent, target: Target): object {
  const words = wordsOf(target.provider.object.spec.locale);
  return slackBody(event, { state: stateOf(event), failures: 0, words, recovered: false });
}

/** Format: Slack's "Secondary message attachments" reference. */
function attachment(event: FluxEvent, { channel = '', username }: Target): object {
  const [firstLine] = event.message.split('\n');
  return slackMessage(event, {
    channel,
    username: username || event.reportingController,
    color: isError(event) ? 'danger' : 'good',
    fallback: `${objectTitle(event)}: ${firstLine}`,
    escape: escapeText,
  });
}
