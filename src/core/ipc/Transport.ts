/** Hears what a transport brings. Called synchronously, in order, and never after `closed`. */
export interface TransportListener {
  message(text: string): void;
  /** The other end is gone, or `close` or `destroy` was called. `error` says why where the end was not orderly. */
  closed(error?: Error): void;
}

/**
 * A two-way, ordered pipe of texts between two processes. It knows nothing of requests, names or retries: `Channel` has those,
 * once for all transports. Code above it must not assume that both ends are on one machine.
 *
 * Every implementation passes `test/core/ipc/transport.conformance.ts`.
 */
export interface Transport {
  /** Bytes that wait for the other end to read them, exactly or roughly. */
  readonly queuedBytes: number;
  /** Starts delivery to `listener`. A later call replaces the listener from the next message on. */
  listen(listener: TransportListener): void;
  /**
   * Queues a text. Texts of one turn of the event loop travel together.
   *
   * @param urgent Whether the text may use {@link URGENT_RESERVE_BYTES} beyond `maxQueueBytes`. This is for small messages that
   * report a failure. Default false.
   * @returns false where nothing was queued, because more than `maxQueueBytes` would wait or the transport has closed.
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
  /** Bytes of the largest message. A larger one from the other end closes the transport with `ProtocolError`. Default 128 MiB. */
  readonly maxMessageBytes: number;
  /** Bytes that may wait for a slow reader before `send` returns false. Default 128 MiB. */
  readonly maxQueueBytes: number;
}

/** Room for urgent messages beyond `maxQueueBytes`. It is bounded because a peer may flood us and read none of our refusals. */
export const URGENT_RESERVE_BYTES = 16 * 1024 * 1024;

export const TRANSPORT_LIMITS = {
  maxMessageBytes: 128 * 1024 * 1024,
  maxQueueBytes: 128 * 1024 * 1024,
} as const satisfies TransportLimits;
