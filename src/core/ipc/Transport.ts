/** What a transport tells its user. Called synchronously, in order, and never after `closed`. */
export interface TransportListener {
  message(text: string): void;
  /** The other end is gone, or `close` / `destroy` was called. `error` says why where it was not orderly. */
  closed(error?: Error): void;
}

/**
 * A two-way, ordered pipe of texts between two processes. It knows nothing of requests, names or retries: those live above
 * it, once, in `Channel`. Nothing above it may assume that both ends are on one machine.
 *
 * Every implementation passes `test/core/ipc/transport.conformance.ts`.
 */
export interface Transport {
  /** What waits for the other end to read, in bytes; where that cannot be known, at least roughly. */
  readonly queuedBytes: number;
  /** Starts delivery to `listener`; a later call replaces it, from the next message on. */
  listen(listener: TransportListener): void;
  /**
   * Queues a text. Texts of one turn of the event loop travel together.
   *
   * @param urgent Goes out even where the queue is full, up to {@link URGENT_RESERVE_BYTES} more; for small messages that tell
   * of a failure. A peer that does not read even those waits until its own timeout.
   * @returns false where more than `maxQueueBytes` would wait: nothing was queued. Also false once closed.
   */
  send(text: string, urgent?: boolean): boolean;
  /** Resolves when everything sent so far has been handed over, or the transport has closed. Never rejects. */
  flush(): Promise<void>;
  /** Hands over what is queued, then closes. Idempotent. */
  close(): Promise<void>;
  /** Closes now; what is queued is lost. Idempotent. */
  destroy(error?: Error): void;
}

export interface TransportLimits {
  /** A larger message from the other end closes the transport with `ProtocolError`. Default 128 MiB. */
  readonly maxMessageBytes: number;
  /** Bytes that may wait for a slow reader before `send` returns false. Default 128 MiB. */
  readonly maxQueueBytes: number;
}

/** Room for urgent messages beyond `maxQueueBytes`: a peer that floods and never reads fills no memory with refusals. */
export const URGENT_RESERVE_BYTES = 16 * 1024 * 1024;

export const TRANSPORT_LIMITS = {
  maxMessageBytes: 128 * 1024 * 1024,
  maxQueueBytes: 128 * 1024 * 1024,
} as const satisfies TransportLimits;
