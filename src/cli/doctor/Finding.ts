/** The result of one check of the doctor, in one line. `fix` says what to do, if anything. */
export interface Finding {
  readonly name: string;
  readonly level: 'ok' | 'warn' | 'fail';
  readonly text: string;
  readonly fix?: string;
}

export function ok(name: string, text: string): Finding {
  return { name, level: 'ok', text };
}

export function warn(name: string, text: string, fix?: string): Finding {
  return { name, level: 'warn', text, ...(fix === undefined ? {} : { fix }) };
}

export function fail(name: string, text: string, fix?: string): Finding {
  return { name, level: 'fail', text, ...(fix === undefined ? {} : { fix }) };
}
