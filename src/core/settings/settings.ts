import { z } from 'zod';
import { MIN_SECRET_LENGTH } from '../log/secrets.js';
import { MAX_DURATION_MS, parseDuration } from '../time/duration.js';

/**
 * One setting. This table alone says what a setting may be: `loadConfig` reads by it and its errors quote `allowed`.
 * Tests hold `.env.example` and the README's table equal to it.
 */
export interface Setting<Value> {
  /** As it would stand in `.env`. Undefined if there is none: `doc` says what an unset one means. */
  readonly default: string | undefined;
  /** Completes "allowed: ...". */
  readonly allowed: string;
  /** For the user: a few lines of at most 110 characters. */
  readonly doc: readonly string[];
  /** A secret's value never appears in an error. */
  readonly secret?: true;
  /** Parses the trimmed text, which is never empty. */
  readonly schema: z.ZodType<Value, string>;
}

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const DISCORD_API_URL = 'https://discord.com/api';

/** Far above the largest bots. It catches a typing error before that costs IDENTIFYs. */
const MAX_COUNT = 65_536;

const count = wholeNumber(1, MAX_COUNT);
const autoOrCount = z.union([z.literal('auto'), count]);

export const SETTINGS = {
  DISCORD_TOKEN: setting({
    default: undefined,
    allowed: `a bot token: at least ${MIN_SECRET_LENGTH} characters, without spaces or quotes`,
    doc: [
      "The bot's token, from https://discord.com/developers/applications (Bot > Reset Token). Keep it secret.",
      'If it is not set, the bot runs against the local Discord that comes with the project.',
    ],
    secret: true,
    schema: z
      .string()
      .transform((text) => text.replace(/^Bot\s+/i, ''))
      .pipe(
        z
          .string()
          .regex(/^[!-~]+$/)
          .regex(/^[^"'`]+$/)
          .min(MIN_SECRET_LENGTH)
          .max(512),
      ),
  }),
  DISCORD_API_URL: setting({
    default: DISCORD_API_URL,
    allowed:
      'an http:// or https:// URL without user, password, query, fragment or version (with Discord itself: https:// only)',
    doc: [
      "Address of Discord's REST API, without a version. The bot asks there for the address of the gateway.",
      'Change it only for a local Discord or a proxy. It needs DISCORD_TOKEN.',
    ],
    schema: z.string().transform(toApiUrl),
  }),
  SHARD_COUNT: setting({
    default: 'auto',
    allowed: `auto or a whole number from 1 to ${MAX_COUNT}`,
    doc: [
      'Number of shards. With auto, the first start takes the number that Discord recommends, and later starts keep',
      'it, because a change costs every session. To grow, set the number.',
    ],
    schema: autoOrCount,
  }),
  CLUSTER_COUNT: setting({
    default: 'auto',
    allowed: `auto or a whole number from 1 to ${MAX_COUNT}, and no more than SHARD_COUNT`,
    doc: ['Number of processes that share the shards. With auto, it follows from the shards and the processor cores.'],
    schema: autoOrCount,
  }),
  SPARE_CLUSTERS: setting({
    default: 'auto',
    allowed: 'auto or a whole number from 0 to 16',
    doc: [
      "Number of processes that have loaded the bot's program and wait. A crash, a hang and a restart take one",
      'instead of starting a new process. With auto, it is one where the machine has the memory. 0: none.',
    ],
    schema: z.union([z.literal('auto'), wholeNumber(0, 16)]),
  }),
  OWNER_IDS: setting({
    default: undefined,
    allowed: 'ids of Discord users (17 to 20 digits each), separated by commas',
    doc: [
      'Users who may run the owner commands (eval, restart, loglevel), separated by commas.',
      "If it is not set: the application's owner, or its team.",
    ],
    schema: z
      .string()
      .transform((text) => [...new Set(text.split(/[\s,]+/).filter((id) => id !== ''))])
      .pipe(z.array(z.string().refine(isSnowflake)).min(1)),
  }),
  DATA_DIR: setting({
    default: './data',
    allowed: 'a path, absolute or relative to the working directory (a leading ~ is not expanded)',
    doc: ['Folder for everything that the bot keeps. Two bots on one machine need two folders.'],
    schema: z
      .string()
      .regex(/^[^~\0]/)
      .regex(/^[^\0]*$/),
  }),
  ADMIN_HOST: setting({
    default: '127.0.0.1',
    allowed: 'an IP address of this machine or a name that leads to one, such as 127.0.0.1 or 0.0.0.0',
    doc: [
      'Address where the status page, the metrics and the admin API listen. 127.0.0.1: this machine only;',
      '0.0.0.0: every network. They speak plain HTTP: let other machines in through a tunnel or a proxy with TLS.',
    ],
    schema: z.string().regex(/^[\w.:-]{1,253}$/),
  }),
  ADMIN_PORT: setting({
    default: '8600',
    allowed: 'off or a whole number from 0 to 65535',
    doc: [
      'Port of the status page, the metrics and the admin API. 0 takes any free port; off turns all of them off.',
      'If it is not set and 8600 is taken, the master takes any free port; the log says which.',
    ],
    schema: z.union([z.literal('off'), wholeNumber(0, 65_535)]),
  }),
  ADMIN_TOKEN: setting({
    default: undefined,
    allowed: 'at least 16 characters, without spaces or quotes',
    doc: [
      'Whoever has it may see and do everything in the admin API. If it is not set, the master makes one and keeps',
      'it in DATA_DIR/admin-token.',
    ],
    secret: true,
    schema: z
      .string()
      .regex(/^[!-~]+$/)
      .regex(/^[^"'`]+$/)
      .min(16)
      .max(512),
  }),
  ADMIN_EVAL: setting({
    default: 'off',
    allowed: 'on or off',
    doc: ['on: whoever has the admin token may also run code in the processes of the bot.'],
    schema: z
      .string()
      .transform((text) => text.toLowerCase())
      .pipe(z.enum(['on', 'off'])),
  }),
  LOG_LEVEL: setting({
    default: 'info',
    allowed: `one of ${LOG_LEVELS.join(', ')}`,
    doc: [`Lowest level that is logged: ${LOG_LEVELS.join(', ')}.`],
    schema: z
      .string()
      .transform((text) => text.toLowerCase())
      .pipe(z.enum(LOG_LEVELS)),
  }),
  SPAWN_TIMEOUT: setting({
    default: '2m',
    allowed: 'a duration with its unit from 1s to 24d, such as 90s or 2m',
    doc: [
      'How long a cluster may take to get ready before the master stops it and starts a new process.',
      'The clock starts anew while one of its shards waits to log in.',
    ],
    schema: duration(1000),
  }),
  DRAIN_TIMEOUT: setting({
    default: '10s',
    allowed: 'a duration with its unit from 0s to 24d, such as 500ms or 10s',
    doc: ['How long a cluster that stops may take to finish its commands before the master ends it by force.'],
    schema: duration(0),
  }),
  HUNG_AFTER: setting({
    default: '10s',
    allowed: 'a duration with its unit from 2s to 24d, such as 5s or 10s',
    doc: ['The master kills and replaces a cluster whose event loop has been blocked for this long.'],
    schema: duration(2_000),
  }),
  DEAF_AFTER: setting({
    default: '30s',
    allowed: 'a duration with its unit from 1s to 24d, such as 10s or 30s',
    doc: [
      'A shard reconnects if Discord does not answer for this long while it connects, or if no event comes for',
      'unusually long: at least four times this. If that does not help, its cluster is replaced.',
    ],
    schema: duration(1_000),
  }),
  ORPHAN_GRACE: setting({
    default: '30s',
    allowed: 'a duration with its unit from 0s to 24d, such as 30s or 5m',
    doc: [
      'How long clusters serve on after their master was killed, so that a new master on the same DATA_DIR can take',
      'them over. After that they close their sessions so that they can be resumed, and end.',
    ],
    schema: duration(0),
  }),
  RESUME_WINDOW: setting({
    default: '3m',
    allowed: 'a duration with its unit from 0s to 24d, such as 90s or 3m',
    doc: [
      'How long after its last connection another process may still resume a session. Discord forgets a session',
      'after a few minutes. Trying a forgotten one costs a second, and then an IDENTIFY.',
    ],
    schema: duration(0),
  }),
  IDENTIFY_INTERVAL: setting({
    default: '5s',
    allowed: 'a duration with its unit from 5s to 24d, or less with a DISCORD_API_URL that is not Discord',
    doc: [
      'Pause between two logins (IDENTIFYs) of the same bucket. Discord requires 5s. Less is allowed only with a',
      'DISCORD_API_URL that is not Discord, or without DISCORD_TOKEN.',
    ],
    schema: duration(1),
  }),
  CLUSTER_MEMORY_MB: setting({
    default: undefined,
    allowed: 'a whole number from 64 to 1048576',
    doc: [
      "Limit of each cluster's JavaScript heap, in MiB: Node's --max-old-space-size.",
      "If it is not set: Node's own limit.",
    ],
    schema: wholeNumber(64, 1_048_576),
  }),
  NODE_ENV: setting({
    default: undefined,
    allowed: 'production or any other word',
    doc: ['production: a missing DISCORD_TOKEN is an error, and the local Discord is never used.'],
    schema: z.string(),
  }),
} as const satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof SETTINGS;
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

/** The value of each setting once it is read; undefined if it is not set and has no default. */
export type SettingValues = {
  [Name in SettingName]:
    | z.output<(typeof SETTINGS)[Name]['schema']>
    | ((typeof SETTINGS)[Name]['default'] extends string ? never : undefined);
};

/** @returns true if the URL leads to Discord itself, and not to a local Discord or a proxy. */
export function isDiscord(url: string): boolean {
  return /(?:^|\.)(?:discord|discordapp)\.com$/.test(new URL(url).hostname.replace(/\.$/, ''));
}

function setting<Value, const Default extends string | undefined>(
  spec: Setting<Value> & { readonly default: Default },
): Setting<Value> & { readonly default: Default } {
  return spec;
}

function wholeNumber(min: number, max: number): z.ZodType<number, string> {
  // Digits only: Number() would also take 1e3, 0x10 and an empty text.
  return z.string().regex(/^\d+$/).transform(Number).pipe(z.number().min(min).max(max));
}

function duration(minMs: number): z.ZodType<number, string> {
  return z.string().transform(parseDuration).pipe(z.number().min(minMs).max(MAX_DURATION_MS));
}

function isSnowflake(text: string): boolean {
  return /^[1-9]\d{16,19}$/.test(text) && BigInt(text) < 2n ** 64n;
}

function toApiUrl(text: string, context: z.RefinementCtx): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const wrong =
    url === undefined ||
    !/^https?:\/\//i.test(text) ||
    /[?#@\\\s]/.test(text) ||
    /\/v\d+\/*$/.test(url.pathname) ||
    (url.protocol === 'http:' && isDiscord(url.href));
  if (!wrong) return url.href.replace(/\/+$/, '');
  context.addIssue({ code: 'custom' });
  return z.NEVER;
}
