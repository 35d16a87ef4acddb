import { inspect } from 'node:util';

/** An error as it may be logged: text only, since client libraries hang whole requests with their headers on its errors. */
export interface LoggableError {
  readonly type: string;
  readonly message: string;
  readonly stack: string;
  readonly code?: string | number;
}

/** Keeps a secret out of everything that is logged. */
export class Redactor {
  public constructor(private readonly secret: string) {}

  public text(text: string): string {
    return this.secret === '' ? text : text.replaceAll(this.secret, '[token]');
  }

  public error(thrown: unknown): LoggableError {
    if (!(thrown instanceof Error)) {
      const message = this.text(typeof thrown === 'string' ? thrown : inspect(thrown, { depth: 1 }));
      return { type: typeof thrown, message, stack: message };
    }
    const code: unknown = Reflect.get(thrown, 'code');
    return {
      type: thrown.name,
      message: this.text(thrown.message),
      stack: this.text(thrown.stack ?? `${thrown.name}: ${thrown.message}`),
      ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    };
  }
}
