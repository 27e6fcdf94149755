// The interface of everything to which messages can be sent: each type of Provider is one file that implements it.
import type { Alert, ProviderSpec } from '@weir/api';
import type { Expiring, ExpiringCache, Serial } from '@weir/async';
import type { FluxEvent } from '@weir/events';
import type { RequestPolicy } from '@weir/net';
import type { Kept } from '../delivery/posts.ts';
import type { Evaluate } from './io/evaluate.ts';
import type { HttpAnswer, HttpRequest } from './io/http.ts';
import type { CloudToken } from './io/identity.ts';
import type { Paces } from './io/paces.ts';
import type { Open } from './io/sockets.ts';
import type { Rollout } from './rollout.ts';
import type { TextLimit } from './shorten.ts';
import type { Target } from './target.ts';

/** One type of Provider. */
export interface ProviderType {
  /**
   * Whether it takes events of runs that changed nothing (`commit_status: update`): they set commit statuses, and end what
   * a message shows as under way. By what the Provider's spec says, as nothing is read yet; all of the type unless given.
   */
  takesCommitStatus?: true | ((spec: ProviderSpec) => boolean);
  /** Whether the target's messages are changed in place: events of one rollout are one message. */
  updates?(target: Target): boolean;
  /** Certificates that it uses: those of `certSecretRef` unless given; `secretRef` too for Git hosts; none for others. */
  certificates?: 'secretRef too' | 'none';
  /** What the Provider's `address` is: an http or https URL unless given, which may be missing where it is `optional`. */
  address?: 'any' | 'none' | 'optional';
  /**
   * The largest event that it passes on to programs whole, in bytes of its JSON. Others get the message shortened to the
   * bound in the schema of Flux's events, which is more than people read.
   */
  wholeUpTo?: number;
  /** The limit for a message, if the vendor refuses longer ones and the type doesn't shorten it itself. */
  textLimit?: TextLimit;
  /** Whether `commitStatusExpr` applies to it. */
  namesStatuses?: true;
  /**
   * Sends the event, or does nothing if the type doesn't use it. Resolves when the other side has accepted it. Rejects
   * with a DeliveryError whose message quotes nothing of the target and of its answers.
   */
  send(event: FluxEvent, target: Target, io: Io): Promise<void>;
}

/** A token that was obtained for credentials. */
export interface AccessToken extends Expiring {
  token: string;
}

/** The longest that a token is waited for, in ms. It is made for all deliveries that want it, so the time of none of them ends the request. */
export const TOKEN_TIMEOUT_MS = 30_000;

/** What a type needs to send a message. All of it ends when `signal` aborts. */
export interface Io {
  /**
   * Sends an HTTP request through the target's proxy and with its certificates; see `SendHttp`. It ends with `signal`, or with
   * one of its own where other deliveries wait for its answer too.
   */
  request(request: HttpRequest, signal?: AbortSignal): Promise<HttpAnswer>;
  /** Opens a connection to an address that may be reached, for what isn't HTTP/1. */
  open: Open;
  /** What `open` and `request` keep to, for a lib that makes requests of its own. */
  policy: RequestPolicy;
  /** Evaluates a CEL expression to a text. */
  evaluate: Evaluate;
  /** A token of a cloud, for types that are cloud services. */
  cloudToken: CloudToken;
  /** How fast messages may come to a place, which all attempts share. */
  paces: Paces;
  /** Tokens that were obtained for credentials, by all that they depend on; all attempts share them. */
  tokens: ExpiringCache<AccessToken>;
  /** The alert that the event is sent for. */
  alert: Alert;
  /** What the event belongs to. */
  rollout: Rollout;
  /** What was remembered under a key by deliveries to alerts of the same namespace. */
  kept(key: string): Kept;
  /** Runs work for the same key one after another, among all attempts of this replica. */
  serial: Serial;
  /** The event's place in its stream: of two events the later one has the larger place. */
  order: number;
  /** Unique to the event and the alert, and the same in each attempt: for targets that drop what they have already. */
  id: string;
  signal: AbortSignal;
}

/** Posts JSON and returns the answer; headers that are given win. */
export function postJson(
  io: Pick<Io, 'request'>,
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpAnswer> {
  return io.request({
    url,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

/** `{ authorization: ... }` for a token, or nothing without one. */
export function bearer(token: string | undefined): Record<string, string> {
  return token ? { authorization: `Bearer ${token}` } : {};
}

/** `{ authorization: ... }` for a user and a password (RFC 7617). */
export function basic(username: string, password: string): Record<string, string> {
  const pair = Buffer.from(`${username}:${password}`).toString('base64');
  return { authorization: `Basic ${pair}` };
}
