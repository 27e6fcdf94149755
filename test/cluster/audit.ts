import { open } from 'node:fs/promises';

/** One answered request to the API server (audit.k8s.io/v1 Event, the parts that counting needs). */
export interface AuditEvent {
  verb: string;
  /** `ResponseStarted` and `ResponseComplete` for a watch, the latter only for all else. */
  stage?: string;
  requestURI: string;
  userAgent?: string;
  /** Empty where the API server was still starting and knew nobody. */
  user: { username: string };
  impersonatedUser?: { username: string };
  objectRef?: {
    apiGroup?: string;
    resource?: string;
    subresource?: string;
    namespace?: string;
    name?: string;
  };
  responseStatus?: { code?: number };
  requestReceivedTimestamp: string;
}

/**
 * Reads an audit log file as it grows: each call gives all events so far, and reads only what is new. A line
 * that is not complete yet is left for the next time.
 */
export function auditReader(path: string): () => Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  let rest = Buffer.alloc(0);
  let offset = 0;
  let last = Promise.resolve();
  const readOn = async () => {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - offset), {
        position: offset,
      });
      offset += bytesRead;
      rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    } finally {
      await file.close();
    }
    const end = rest.lastIndexOf('\n') + 1;
    for (const line of rest.toString('utf8', 0, end).split('\n')) {
      if (line !== '') events.push(reduced(JSON.parse(line) as WrittenEvent));
    }
    rest = rest.subarray(end);
  };
  return async () => {
    // One at a time: two would read the same bytes.
    last = last.then(readOn, readOn);
    await last;
    return [...events];
  };
}

type WrittenEvent = Omit<AuditEvent, 'user'> & { user: Partial<AuditEvent['user']> };

/** Without what nobody counts by: a long run has hundreds of thousands of these. */
function reduced(event: WrittenEvent): AuditEvent {
  const { verb, stage, requestURI, userAgent, user, impersonatedUser, objectRef } = event;
  const { responseStatus, requestReceivedTimestamp } = event;
  return {
    verb,
    requestURI,
    requestReceivedTimestamp,
    user: { username: user.username ?? '' },
    ...(stage === undefined ? {} : { stage }),
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(impersonatedUser === undefined ? {} : { impersonatedUser }),
    ...(objectRef === undefined ? {} : { objectRef }),
    ...(responseStatus === undefined ? {} : { responseStatus }),
  };
}
