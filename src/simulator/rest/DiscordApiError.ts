/** A refusal in Discord's own words: discord.com/developers/docs/topics/opcodes-and-status-codes#json */
export class DiscordApiError extends Error {
  override readonly name = 'DiscordApiError';

  constructor(
    readonly status: number,
    readonly code: number,
    message: string,
    readonly errors?: FormErrors,
  ) {
    super(message);
  }

  toBody(): unknown {
    return { message: this.message, code: this.code, ...(this.errors === undefined ? {} : { errors: this.errors }) };
  }
}

/** The tree of an "Invalid Form Body": keys lead to the field, `_errors` says what is wrong with it. */
export type FormErrors = { [key: string]: FormErrors | { code: string; message: string }[] };

/** Collects what is wrong with a body, and throws it all at once, as Discord does. */
export class FormCheck {
  readonly #errors: FormErrors = {};
  #failed = false;

  /** `path` leads to the field: names and array indices. */
  fail(path: readonly (string | number)[], code: string, message: string): void {
    this.#failed = true;
    let node = this.#errors;
    for (const key of path) {
      const next = node[key];
      if (next !== undefined && !Array.isArray(next)) {
        node = next;
      } else {
        const made: FormErrors = {};
        node[key] = made;
        node = made;
      }
    }
    const list = Array.isArray(node._errors) ? node._errors : [];
    node._errors = [...list, { code, message }];
  }

  /** A length that is out of bounds fails; a missing or other-typed value too, if it is required. */
  string(
    value: unknown,
    path: readonly (string | number)[],
    min: number,
    max: number,
    required = true,
  ): value is string {
    if (value === undefined || value === null) {
      if (required) this.fail(path, 'BASE_TYPE_REQUIRED', 'This field is required');
      return false;
    }
    if (typeof value !== 'string') {
      this.fail(path, 'STRING_TYPE_CONVERT', `Could not interpret "${String(value)}" as string.`);
      return false;
    }
    if (value.length < min || value.length > max) {
      const message = min === 0 ? `Must be ${max} or fewer in length.` : `Must be between ${min} and ${max} in length.`;
      this.fail(path, min === 0 ? 'BASE_TYPE_MAX_LENGTH' : 'BASE_TYPE_BAD_LENGTH', message);
      return false;
    }
    return true;
  }

  throwIfFailed(): void {
    if (this.#failed) throw new DiscordApiError(400, 50035, 'Invalid Form Body', this.#errors);
  }
}

export const unknown = {
  application: () => new DiscordApiError(404, 10002, 'Unknown Application'),
  channel: () => new DiscordApiError(404, 10003, 'Unknown Channel'),
  guild: () => new DiscordApiError(404, 10004, 'Unknown Guild'),
  member: () => new DiscordApiError(404, 10007, 'Unknown Member'),
  message: () => new DiscordApiError(404, 10008, 'Unknown Message'),
  user: () => new DiscordApiError(404, 10013, 'Unknown User'),
  webhook: () => new DiscordApiError(404, 10015, 'Unknown Webhook'),
  interaction: () => new DiscordApiError(404, 10062, 'Unknown interaction'),
  command: () => new DiscordApiError(404, 10063, 'Unknown application command'),
};
