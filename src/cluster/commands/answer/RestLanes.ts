/** The lanes in which the requests of one interaction are sent, see `RequestHow`. */
export interface RestLane {
  readonly callback: string;
  readonly webhook: string;
}

/**
 * Lets interactions be answered side by side.
 *
 * eris queues by route and sends one request of a route at a time, and so do its relatives. It counts the callbacks of all
 * interactions as one route, and the edits of their answers as another, although Discord limits neither across interactions: at 100 ms to Discord a process
 * could acknowledge ten commands a second, and the 31st of a burst would miss its three seconds. So each interaction borrows
 * a lane of its own. Lanes are used again, because eris keeps what it knows of a route for ever: there are only ever as
 * many as commands were answered at once.
 */
export class RestLanes {
  readonly #free: RestLane[] = [];
  #count = 0;

  public acquire(): RestLane {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const number = this.#count++;
    return { callback: `/interactions/callback/${number}`, webhook: `/interactions/webhook/${number}` };
  }

  /** Gives back a lane on which no request is under way. */
  public release(lane: RestLane): void {
    this.#free.push(lane);
  }
}
