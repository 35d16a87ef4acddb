import type { OptionValue } from '../Command.js';

export type Options = Record<string, OptionValue>;

/** What a user gave as arguments, checked against the definition; or one sentence that says what is wrong with them. */
export type OptionsResult =
  | { readonly ok: true; readonly options: Options }
  | { readonly ok: false; readonly problem: string };
