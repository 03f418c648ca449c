/** How the page refuses: which status a code has, and what of it a visitor may read. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SallyportError, asSallyportError, type ErrorCode } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { ConfigErrors } from '../config.ts';

const statuses: Partial<Record<ErrorCode, number>> = {
  SP_PAGE_LOGIN: 401, SP_PAGE_PROOF: 403, SP_PAGE_SESSION: 401, SP_PAGE_TRIES: 429, SP_PAGE_RIGHT: 403, SP_PAGE_ORIGIN: 403, SP_PAGE_REQUEST: 400, SP_PAGE_CODE: 403, SP_PAGE_NAME: 409,
  SP_PAGE_LAST_OWNER: 409, SP_PAGE_UNKNOWN: 404, SP_PAGE_FULL: 409, SP_PAGE_BUSY: 503, SP_PAGE_OFF: 501, SP_PANELS_OFF: 404, SP_PAGE_RANGE: 416, SP_CAMERA_UNKNOWN: 404,
  SP_OWNER_NEEDED: 403, SP_SLOT_MISSING: 410, SP_SLOT_CHANGED: 409, SP_SEGMENT_MISSING: 410, SP_ALARM: 410, SP_DISK: 503, SP_PICTURES: 503,
  SP_DETECTOR_BUSY: 503, SP_DETECTOR_GONE: 503, SP_FACES_OFF: 409, SP_FACES_LOCKED: 409, SP_CONSENT: 409, SP_ENROL: 409, SP_PERSON_UNKNOWN: 404,
};

export function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): FastifyReply {
  const known = knownOf(error);
  if (known.code === 'SP_INTERNAL') log.error({ component: 'page', route: request.routeOptions.url, error }, known.message);
  const seconds = known.evidence['seconds'];
  if (typeof seconds === 'number') reply.header('retry-after', String(seconds));
  return reply.header('cache-control', 'no-store').status(statusOf(error, known)).type('application/json').serializer(JSON.stringify).send({ error: tellable(known) });
}

export function knownOf(error: unknown): SallyportError {
  if (error instanceof ConfigErrors) return error.problems[0] ?? asSallyportError(error);
  return isClientsFault(error) ? new SallyportError('SP_PAGE_REQUEST', { reason: error.message.slice(0, 300) }) : asSallyportError(error);
}

export function statusOf(error: unknown, known: SallyportError): number {
  if (isClientsFault(error)) return error.statusCode;
  return statuses[known.code] ?? (known.kind === 'refuse' ? 422 : 500);
}

/** What went wrong inside is for the log: its words may say more than a visitor should know. */
export function tellable(error: SallyportError): ReturnType<SallyportError['toJSON']> {
  return (error.code === 'SP_INTERNAL' ? new SallyportError('SP_INTERNAL', { reason: 'the log has more' }) : error).toJSON();
}

/** What fastify refuses by itself: a body that is too long, no JSON, of another shape than the contract says. */
function isClientsFault(error: unknown): error is Error & { statusCode: number } {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500;
}
