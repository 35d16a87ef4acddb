import { inspect } from 'node:util';

/** Stands where a secret was. */
export const REDACTED = '[redacted]';

/** Shorter values are refused: they would match inside ordinary words and spoil every log line. */
export const MIN_SECRET_LENGTH = 8;

/**
 * Secrets by their shape, which need not be registered:
 * - a bot token: the bot's id in base64 (so it begins with M, N or O), a timestamp, a signature;
 * - the token of an interaction, which lets anyone answer for 15 minutes ("interaction:" in base64);
 * - the token in a webhook's path.
 */
const SHAPES = [
  '[MNO][\\w-]{22,27}\\.[\\w-]{5,7}\\.[\\w-]{27,}',
  'aW50ZXJhY3Rpb246[\\w-]{20,}',
  '(?<=/webhooks/\\d{17,20}/)[\\w-]{30,}',
];

/** How many holders have registered each value. */
const registered = new Map<string, number>();
let pattern: RegExp | undefined;

/**
 * Makes {@link scrub} hide this value, and its URL-encoded, base64 and JSON-escaped forms, in this process.
 *
 * @returns a function that takes the registration back. It is needed only where ever more secrets come.
 * @throws RangeError for fewer than 8 characters.
 */
export function registerSecret(value: string): () => void {
  if (value.length < MIN_SECRET_LENGTH) {
    throw new RangeError(`a secret needs at least ${MIN_SECRET_LENGTH} characters, this one has ${value.length}`);
  }
  const holders = registered.get(value) ?? 0;
  registered.set(value, holders + 1);
  if (holders === 0) pattern = undefined;
  let held = true;
  return () => {
    if (!held) return;
    held = false;
    const left = (registered.get(value) ?? 1) - 1;
    if (left > 0) {
      registered.set(value, left);
      return;
    }
    registered.delete(value);
    pattern = undefined;
  };
}

/** @returns the text with every registered secret, and whatever looks like a Discord token, replaced by `[redacted]`. */
export function scrub(text: string): string {
  pattern ??= compile();
  return text.replace(pattern, REDACTED);
}

/**
 * Holds a secret so that nobody prints it by accident: as text, as JSON and when inspected it is `[redacted]`. The constructor
 * registers the value for {@link scrub}.
 */
export class Secret {
  readonly #value: string;

  /** @throws RangeError for fewer than 8 characters. */
  public constructor(value: string) {
    registerSecret(value);
    this.#value = value;
  }

  /** @returns the value. Call this only where the value is used, and keep no copy. */
  public reveal(): string {
    return this.#value;
  }

  public toString(): string {
    return REDACTED;
  }

  public toJSON(): string {
    return REDACTED;
  }

  public [inspect.custom](): string {
    return REDACTED;
  }
}

function compile(): RegExp {
  const forms = [...registered.keys()].flatMap(formsOf);
  // Longest first: an escaped form must win over the plain form that it begins with, or its last backslash would stay.
  forms.sort((a, b) => b.length - a.length);
  return new RegExp([...forms, ...SHAPES].join('|'), 'g');
}

/** @returns the forms in which a value occurs in texts, as sources of regular expressions. */
function formsOf(value: string): string[] {
  const json = JSON.stringify(value).slice(1, -1);
  // A JSON body inside a JSON log line is escaped twice.
  const jsonTwice = JSON.stringify(json).slice(1, -1);
  // Through a buffer, because encodeURIComponent throws on half a surrogate pair.
  const url = encodeURIComponent(Buffer.from(value).toString());
  const urlSource = escapeRegExp(url).replace(/%[\dA-F]{2}/g, (code) =>
    code.replace(/[A-F]/g, (c) => `[${c}${c.toLowerCase()}]`),
  );
  return [
    ...new Set([escapeRegExp(value), escapeRegExp(json), escapeRegExp(jsonTwice), urlSource, ...base64Forms(value)]),
  ];
}

/**
 * Base64 packs 3 bytes into 4 characters. So a value has three forms, by its offset in a longer text such as `user:secret`. Of
 * each form only those characters count that the value alone decides.
 */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value);
  return [0, 1, 2].map((offset) => {
    const whole = Buffer.concat([Buffer.alloc(offset), bytes]);
    const encoded = whole.toString('base64').replace(/=+$/, '');
    const shared = whole.length % 3 === 0 ? 0 : 1;
    const stable = encoded.slice([0, 2, 3][offset], encoded.length - shared);
    const source = escapeRegExp(stable).replaceAll('\\+', '[+-]').replaceAll('/', '[/_]');
    return shared === 0 ? source : `${source}[\\w+/-]?={0,2}`;
  });
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
