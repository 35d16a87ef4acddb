import type { FastifyRequest } from 'fastify';
import type { Visitor } from './Gate.js';

const visitors = new WeakMap<FastifyRequest, Visitor>();

/** Notes who makes a request, once that is known. */
export function setVisitor(request: FastifyRequest, visitor: Visitor): void {
  visitors.set(request, visitor);
}

/** @throws Error for a request that nobody has admitted: a route without its gate is a bug. */
export function visitorOf(request: FastifyRequest): Visitor {
  const visitor = visitors.get(request);
  if (visitor === undefined) throw new Error(`nobody has checked who asks for ${request.routeOptions.url}`);
  return visitor;
}

/** @returns who makes a request and from where, for the log. */
export function describeVisitor(request: FastifyRequest): string {
  const who = visitorOf(request).by === 'token' ? 'the admin token' : 'the status page';
  return `${who} from ${request.socket.remoteAddress ?? 'nowhere'}`;
}
