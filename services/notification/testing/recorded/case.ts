// The recorded cases as data: what the real notification-controller was given, and what it did.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EVENT_SOURCES, Provider } from '@weir/api';
import type { KubeObject } from '@weir/kube';
import { parse } from 'yaml';

export const FOLDER = join(import.meta.dirname, '../../testdata/recorded');

export type Json = Record<string, unknown>;

/** A vendor's answer to the first requests that match. */
export interface VendorAnswer {
  method?: string;
  /** A regular expression. */
  path?: string;
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  delayMs?: number;
  /** So often; for ever unless given. */
  times?: number;
}

/** A request to the events endpoint or to a webhook. */
export interface SentRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
  bearerToken?: { claims: Json; signedWith?: string };
  instance?: string;
  /** The Receiver whose path it is; `Receiver/r` unless given. */
  of?: string;
}

export interface VendorRequest {
  method?: string;
  path?: string;
  query?: Record<string, string>;
  host?: string;
  tls?: boolean;
  viaProxy?: boolean;
  clientCertificate?: string;
  headers?: Record<string, string>;
  body?: unknown;
  /** Of a message to NATS or Event Hubs. */
  subject?: string;
  connect?: Json;
  hub?: string;
  claim?: Json;
}

export interface Warning {
  object: string;
  reason: string;
  message: string;
}

export interface Result extends Json {
  responses?: { status: number; body?: string }[];
  requests?: VendorRequest[];
  annotated?: string[];
  warnings?: Warning[];
  refused?: string;
}

export interface Case {
  name: string;
  apply?: KubeObject[];
  delete?: string[];
  annotate?: Record<string, Record<string, string>>;
  event?: Json;
  events?: Json[];
  rawRequest?: SentRequest;
  request?: SentRequest;
  requests?: SentRequest[];
  instance?: string;
  read?: string[];
  readWhen?: string;
  answers?: VendorAnswer[];
  when?: string;
  result: Result;
}

export interface CaseFile {
  /** `provider/slack`. */
  name: string;
  about: string;
  objects: KubeObject[];
  requestsInAnyOrder?: boolean;
  cases: Case[];
}

/** All files of a folder, by name. */
export function readCases(folder: string): CaseFile[] {
  const events = parse(readFileSync(join(FOLDER, 'events.yaml'), 'utf8')) as Record<string, Json>;
  return globSync('*.yaml', { cwd: join(FOLDER, folder) })
    .sort()
    .map((file) => {
      const read = parse(readFileSync(join(FOLDER, folder, file), 'utf8')) as CaseFile;
      const cases = read.cases.map((each) => {
        const named = typeof each.event === 'string' ? events[each.event] : each.event;
        return named === undefined ? each : { ...each, event: named };
      });
      const objects = read.objects.map(withSources);
      return { ...read, name: `${folder}/${file.replace(/\.yaml$/, '')}`, objects, cases };
    });
}

/** Types of Provider that Flux's v1 has, and its v1beta3 had for a while. */
const NEWER = ['zoom', 'incident.io'];

/** `all kinds` stands for an entry with the name `*` for each kind. */
function withSources(object: KubeObject): KubeObject {
  const spec = object.spec as { eventSources?: unknown; type?: string } | undefined;
  if (object.kind === 'Provider' && NEWER.includes(spec?.type ?? '')) {
    return { ...object, apiVersion: Provider.apiVersion };
  }
  if (spec?.eventSources !== 'all kinds') return object;
  const eventSources = EVENT_SOURCES.map((kind) => ({ kind, name: '*' }));
  return { ...object, spec: { ...spec, eventSources } };
}
