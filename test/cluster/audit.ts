import { open } from 'node:fs/promises';

/** One answered request to the API server: the fields of an audit.k8s.io/v1 Event that counting needs. */
export interface AuditEvent {
  verb: string;
  /** `ResponseStarted` and later `ResponseComplete` for a watch; only `ResponseComplete` for other requests. */
  stage?: string;
  requestURI: string;
  userAgent?: string;
  /** The name is empty for requests that came while the API server was still starting. */
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
 * Reads an audit log file as it grows. Each call returns all events so far, and reads only what is new in the file. An
 * incomplete last line is left for the next call.
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
    // Reads happen one after another, because two at the same time would read the same bytes.
    last = last.then(readOn, readOn);
    await last;
    return [...events];
  };
}

type WrittenEvent = Omit<AuditEvent, 'user'> & { user: Partial<AuditEvent['user']> };

/** Keeps only the fields that are used, because a long run has hundreds of thousands of events. */
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
