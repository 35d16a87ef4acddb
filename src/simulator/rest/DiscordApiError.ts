import { isJson, type Json } from '../world/payloads.js';
import { isSnowflake } from '../world/snowflakes.js';

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

/** The tree of an "Invalid Form Body". Keys lead to the field, and `_errors` says what is wrong with it. */
type FormErrors = { [key: string]: FormErrors | { code: string; message: string }[] };

/** The way to a field: names and array indices. */
export type Path = readonly (string | number)[];

/** Collects what is wrong with a body, and throws it all at once, as Discord does. */
export class FormCheck {
  readonly #errors: FormErrors = {};
  #isFailed = false;

  fail(path: Path, code: string, message: string): void {
    this.#isFailed = true;
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

  /** Fails a value that is no string or whose length is out of bounds, and a missing one if it is required. */
  string(value: unknown, path: Path, min: number, max: number, required = true): value is string {
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

  /** Fails a value that is no list, or a list that is longer than `max`. */
  list(value: unknown, path: Path, max = Number.POSITIVE_INFINITY): value is unknown[] {
    if (!Array.isArray(value)) {
      this.fail(path, 'LIST_TYPE_CONVERT', 'Only iterables may be used in a ListType');
      return false;
    }
    if (value.length > max) this.fail(path, 'BASE_TYPE_MAX_LENGTH', `Must be ${max} or fewer in length.`);
    return true;
  }

  /** Fails a value that is no object. */
  object(value: unknown, path: Path): value is Json {
    if (isJson(value)) return true;
    this.fail(path, 'MODEL_TYPE_CONVERT', 'Only dictionaries may be used in a ModelType');
    return false;
  }

  /** Fails a value that is no id. */
  snowflake(value: unknown, path: Path): value is string {
    if (isSnowflake(value)) return true;
    this.fail(path, 'NUMBER_TYPE_COERCE', `Value "${String(value)}" is not snowflake.`);
    return false;
  }

  throwIfFailed(): void {
    if (this.#isFailed) throw this.toError();
  }

  toError(): DiscordApiError {
    return new DiscordApiError(400, 50035, 'Invalid Form Body', this.#errors);
  }
}

/** An "Invalid Form Body" with one wrong field. */
export function invalidField(path: Path, code: string, message: string): DiscordApiError {
  const check = new FormCheck();
  check.fail(path, code, message);
  return check.toError();
}

export function invalidJson(): DiscordApiError {
  return new DiscordApiError(400, 50109, 'The request body contains invalid JSON.');
}

export function missingAccess(): DiscordApiError {
  return new DiscordApiError(403, 50001, 'Missing Access');
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
