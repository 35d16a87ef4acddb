/** One way to send messages to child processes and have them back. */
export interface Contender {
  /**
   * Sends `count` messages to child 0, each answered by the same message, with `inFlight` of them under way at any time.
   *
   * @returns how long it took, in milliseconds.
   */
  pingPong(payload: unknown, inFlight: number, count: number): Promise<number>;
  /**
   * Sends a message to every child and waits for all answers, `count` times.
   *
   * @returns how long it took, in milliseconds.
   */
  broadcast(payload: unknown, count: number): Promise<number>;
  /** Ends the children; they are gone when it resolves. */
  stop(): Promise<void>;
}
