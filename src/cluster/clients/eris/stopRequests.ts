import type { Client } from 'eris';
import { requestQueuesOf } from './erisInternals.js';

/**
 * Lets every REST request of a client reject that waits for its rate limit or is made later; those under way end with the
 * agent that must have been destroyed before. (A request that waits after a 429 is out of reach: its timer runs on.)
 */
export function stopRequests(client: Client): void {
  client.requestHandler.request = () => Promise.reject(new Error('This client was stopped.'));
  for (const queue of requestQueuesOf(client)) {
    if (typeof queue.processing === 'object') clearTimeout(queue.processing);
    // Each goes as far as the agent, which refuses it: eris has no other way to tell the caller.
    for (const send of queue._queue.splice(0)) send(() => {});
  }
}
