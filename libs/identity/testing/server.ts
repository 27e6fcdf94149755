// What the servers of all clouds share: requests are recorded and answered by path, or answered with a fault.
import type { IncomingMessage, ServerResponse } from 'node:http';

/** How a service answers instead of correctly. */
export type Fault =
  | 'denied'
  | 'throttled'
  | 'unavailable'
  | 'malformed'
  | 'empty'
  | 'huge'
  | 'hang'
  | 'redirect'
  /** Status 200 with the body of another service. */
  | 'html';

export interface CloudCall {
  /** As faults are named: `aws-sts`. */
  service: string;
  method: string;
  /** With its query. */
  path: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
}

export interface Answer {
  status: number;
  body: string | object;
  headers?: Record<string, string>;
}

/** A service: how it answers a request, and how it words an error. */
export interface Service {
  answer(call: CloudCall): Promise<Answer> | Answer;
  problem(code: string, message: string): string | object;
  /** Its codes for these, and the status that it sends with them. */
  codes: { denied: [number, string]; throttled: [number, string] };
}

/** A field of a form. */
export function field(call: CloudCall, name: string): string {
  return new URLSearchParams(call.body).get(name) ?? '';
}

export async function readCall(service: string, request: IncomingMessage): Promise<CloudCall> {
  let body = '';
  for await (const chunk of request) body += chunk;
  const { method = '', url: path = '', headers } = request;
  return { service, method, path, headers, body };
}

const HUGE_BYTES = 10 * 1024 ** 2;

/** Answers with a fault. A service that hangs doesn't answer at all. */
export function answerWrongly(fault: Fault, service: Service, response: ServerResponse): void {
  const said = 'this request was refused; the caller said sesame-in-an-answer';
  const send = (status: number, body: string | object, headers = {}) =>
    sendAnswer(response, { status, body, headers });
  if (fault === 'hang') return;
  if (fault === 'huge') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(Buffer.alloc(HUGE_BYTES, ' '));
  } else if (fault === 'denied' || fault === 'throttled') {
    const [status, code] = service.codes[fault];
    send(status, service.problem(code, said));
  } else if (fault === 'unavailable') send(503, 'no', { 'retry-after': '0' });
  else if (fault === 'malformed') send(200, '{"access_token": "half');
  else if (fault === 'html') send(200, '<html>sesame-in-an-answer</html>');
  else if (fault === 'redirect') send(307, '', { location: 'http://127.0.0.1:1/elsewhere' });
  else send(200, {});
}

export function sendAnswer(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const type = text.startsWith('<') ? 'text/xml' : 'application/json';
  response.writeHead(status, { 'content-type': type, ...headers }).end(text);
}
