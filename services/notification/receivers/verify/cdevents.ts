import { CallRefused, checkEvent, headerOf, isRecord, jsonOf, type Verify } from './request.ts';

/** `dev.cdevents.<subject>.<predicate>.<version>`. */
const TYPE = /^dev\.cdevents\.([a-z]+)\.([a-z]+)\.(\d+\.\d+\.\d+)$/;

/** The subjects of CDEvents 0.4 with their predicates (https://cdevents.dev/docs/). */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  artifact: ['deleted', 'downloaded', 'packaged', 'published', 'signed'],
  branch: ['created', 'deleted'],
  build: ['finished', 'queued', 'started'],
  change: ['abandoned', 'created', 'merged', 'reviewed', 'updated'],
  environment: ['created', 'deleted', 'modified'],
  incident: ['detected', 'reported', 'resolved'],
  pipelinerun: ['finished', 'queued', 'started'],
  repository: ['created', 'deleted', 'modified'],
  service: ['deployed', 'published', 'removed', 'rolledback', 'upgraded'],
  taskrun: ['finished', 'started'],
  testcaserun: ['finished', 'queued', 'skipped', 'started'],
  testoutput: ['published'],
  testsuiterun: ['finished', 'queued', 'started'],
  ticket: ['closed', 'created', 'updated'],
};

/** CDEvents: the body must be one, and its type among the Receiver's events. The header `Ce-Type` names the type. */
export const cdevents: Verify = (call, verifying) => {
  checkEvent(verifying, headerOf(call, 'ce-type'));
  const event = jsonOf(call);
  const { context, subject } = isRecord(event) ? event : {};
  if (!isRecord(context) || !isRecord(subject)) throw new CallRefused('the body is no CDEvent');
  const texts = [context.version, context.id, context.source, context.timestamp, subject.id];
  if (!texts.every((text) => typeof text === 'string' && text !== '')) {
    throw new CallRefused('the CDEvent lacks a field that each has');
  }
  const [, about = '', predicate = ''] = TYPE.exec(String(context.type)) ?? [];
  if (!Object.hasOwn(KNOWN, about) || !KNOWN[about]?.includes(predicate)) {
    throw new CallRefused('the type of the CDEvent is unknown');
  }
  if (Number.isNaN(Date.parse(String(context.timestamp))) || !isRecord(subject.content)) {
    throw new CallRefused('the CDEvent has a field of another type than it should');
  }
  return {};
};
