/** One of the times that a command is run for one call of a user. */
export interface CommandAttempt {
  /** How often it has been run, this time included. */
  readonly number: number;
  /** Discord has an answer, or a deferral, of an earlier attempt. */
  readonly isAcknowledged: boolean;
}

export const FIRST_ATTEMPT: CommandAttempt = { number: 1, isAcknowledged: false };
