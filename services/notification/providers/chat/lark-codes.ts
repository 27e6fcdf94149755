// What Feishu and Lark answer: a number, whatever the status is.
import { DeliveryError } from '../../delivery/errors.ts';

/** Codes by which they ask to come back later: too many requests, by bot, tenant, chat and message. */
const PASSING = new Set([11232, 99991400, 230020, 230049]);

/** A refusal, by its number. */
export class LarkRefusal extends DeliveryError {
  readonly code: number;

  constructor(code: number) {
    super('Refused', `Lark responded with code ${Number.isNaN(code) ? 'unknown' : code}`, {
      permanent: !PASSING.has(code),
    });
    this.code = code;
  }
}

/**
 * `code` of an answer, or `StatusCode` as older bots call it; undefined for an answer without one. Something that is no
 * number becomes NaN: who chose the address could have us read out what another service answers. Throws DeliveryError for
 * what is no JSON.
 */
export function codeOf(text: string): { code: number | undefined; answer: object } {
  if (!text.trim()) return { code: undefined, answer: {} };
  try {
    const answer = (JSON.parse(text) ?? {}) as { code?: unknown; StatusCode?: unknown };
    const code = answer.code ?? answer.StatusCode;
    if (code === undefined) return { code: undefined, answer };
    return { code: typeof code === 'number' ? code : Number.NaN, answer };
  } catch (cause) {
    const message = 'Lark answered with something that is not JSON';
    throw new DeliveryError('Refused', message, { permanent: false, cause });
  }
}

/** The bot answers 200 to everything; whether it took the message is in the code. Throws DeliveryError. */
export function checkAnswer(text: string): void {
  const { code } = codeOf(text);
  if (code !== undefined && code !== 0) throw new LarkRefusal(code);
}
