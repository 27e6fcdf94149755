// How providers talk to forges (libs/forge).
import {
  type ForgeCall,
  type ForgeCredentials,
  ForgeError,
  type ForgeRepository,
  parseRepository,
} from '@weir/forge';
import { DeliveryError } from '../../delivery/errors.ts';
import { invalidProvider } from '../message.ts';
import type { Io } from '../provider.ts';
import type { Target } from '../target.ts';

/** A page of a hundred comments may be long. */
const MAX_ANSWER_BYTES = 8 * 1024 ** 2;

/** The connections of a delivery, as a forge's functions want them. */
export function forgeCall(io: Pick<Io, 'request'>): ForgeCall {
  return async ({ method, url, headers, body, contentType = 'application/json', accept = [] }) =>
    io.request({
      ...{ method, url, accept, maxBytes: MAX_ANSWER_BYTES },
      headers: body === undefined ? headers : { 'content-type': contentType, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
}

/** Runs what talks to a forge; what can't be asked for at all is a fault of the Provider, unless it may be asked for later. */
export async function asProvider<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    const { message, transient } = error;
    const reason = transient ? 'Unreachable' : 'InvalidProvider';
    throw new DeliveryError(reason, message, { permanent: !transient, cause: error });
  }
}

export function repositoryOf({ address }: Target): ForgeRepository {
  return parseRepository(address);
}

/** Who asks a forge, and how. */
export interface ForgeAccess {
  credentials: ForgeCredentials;
  call: ForgeCall;
}

export type AccessFor = (target: Target, io: Io) => Promise<ForgeAccess>;

/** Access with credentials that hold for as long as the Secret has them. */
export function accessWith(
  credentialsOf: (target: Target, io: Io) => ForgeCredentials | Promise<ForgeCredentials>,
): AccessFor {
  return async (target, io) => ({
    credentials: await credentialsOf(target, io),
    call: forgeCall(io),
  });
}

/** A token, or else a user's password in its place, as the Secret has it. */
export function tokenCredentials({ token, password }: Target): ForgeCredentials {
  if (token) return { token };
  if (password) return { token: password };
  throw invalidProvider("the secret has neither 'token' nor 'password'");
}
