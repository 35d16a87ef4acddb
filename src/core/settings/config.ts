import { resolve } from 'node:path';
import leven from 'leven';
import { ConfigError } from '../errors.js';
import { MIN_SECRET_LENGTH, registerSecret, Secret, scrub } from '../log/secrets.js';
import { readEnvFile } from './envFile.js';
import { isDiscord, type LogLevel, SETTING_NAMES, SETTINGS, type SettingName, type SettingValues } from './settings.js';

/** The settings of a bot, valid and complete. They can be logged: secrets do not show. */
export interface Config {
  /** Undefined: the bot runs against the local Discord. Never undefined in production. */
  readonly token: Secret | undefined;
  /** Without version and without a slash at the end. */
  readonly apiUrl: string;
  readonly shardCount: number | 'auto';
  /** Not above `shardCount` where that is a number. With `'auto'` the master still has to check that. */
  readonly clusterCount: number | 'auto';
  /** `'auto'`: one where the machine has the memory. */
  readonly spareClusters: number | 'auto';
  /** Undefined: the application's owner, or its team. */
  readonly ownerIds: readonly string[] | undefined;
  /** Absolute. */
  readonly dataDir: string;
  /** Undefined: no status page, no metrics, no admin API. */
  readonly admin: AdminConfig | undefined;
  readonly logLevel: LogLevel;
  readonly spawnTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly hungAfterMs: number;
  readonly deafAfterMs: number;
  readonly orphanGraceMs: number;
  readonly resumeWindowMs: number;
  readonly identifyIntervalMs: number;
  /** Undefined: Node's own limit. */
  readonly clusterMemoryMb: number | undefined;
  readonly production: boolean;
  /** One line each for the log: what is allowed but probably not meant. */
  readonly warnings: readonly string[];
}

export interface AdminConfig {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Whether nobody has set the port: where it is taken, another will do. */
  readonly portIsDefault: boolean;
  /** Undefined: the one that DATA_DIR keeps. */
  readonly token: Secret | undefined;
  readonly allowsEval: boolean;
}

export interface LoadConfigOptions {
  /** Default `process.env`. It is not changed. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default `.env` in the working directory, which may be missing. Any other file must exist. `false`: no file. */
  readonly envFile?: string | false;
}

/** With a shorter pause, Discord answers the second IDENTIFY of a bucket with an invalid session. In milliseconds. */
const DISCORD_IDENTIFY_INTERVAL_MS = 5000;

/** Names that people know from other bots. */
const OTHER_NAMES: Readonly<Record<string, SettingName>> = {
  TOKEN: 'DISCORD_TOKEN',
  BOT_TOKEN: 'DISCORD_TOKEN',
  SHARDS: 'SHARD_COUNT',
  CLUSTERS: 'CLUSTER_COUNT',
  OWNERS: 'OWNER_IDS',
};

/**
 * Reads the settings from the environment and `.env`. The environment wins. An empty value counts as not set.
 *
 * @throws ConfigError with one line for each wrong setting: its name, its value (never a secret's), and what is allowed.
 */
export function loadConfig({ env = process.env, envFile = '.env' }: LoadConfigOptions = {}): Config {
  const file = envFile === false ? undefined : readEnvFile(resolve(envFile));
  if (file === undefined && envFile !== false && envFile !== '.env') throw new ConfigError(`${envFile} does not exist`);
  const problems = [...(file?.problems ?? [])];
  const given = new Map<SettingName, string>();
  for (const name of SETTING_NAMES) {
    const text = env[name]?.trim() || file?.values[name]?.trim();
    if (text) given.set(name, text);
  }
  hideSecret(given.get('DISCORD_TOKEN'));
  hideSecret(given.get('ADMIN_TOKEN'));

  const values = readSettings(given, problems);
  checkTogether(given, values, problems);
  if (problems.length > 0) throw new ConfigError(problems.map(oneLine).join('\n'));
  return toConfig(values as SettingValues, given, [
    ...misspelt(Object.keys(file?.values ?? {}), given),
    ...(given.has('DISCORD_API_URL') && !given.has('DISCORD_TOKEN')
      ? ['DISCORD_API_URL is not used, because DISCORD_TOKEN is not set']
      : []),
  ]);
}

/** Hides invalid values too: one may be most of a token, and may also stand in another variable by mistake. */
function hideSecret(text: string | undefined): void {
  if (text !== undefined && text.length >= MIN_SECRET_LENGTH) registerSecret(text);
}

function readSettings(given: ReadonlyMap<SettingName, string>, problems: string[]): Partial<SettingValues> {
  const values: Record<string, unknown> = {};
  for (const name of SETTING_NAMES) {
    const text = given.get(name) ?? SETTINGS[name].default;
    if (text === undefined) continue;
    const result = SETTINGS[name].schema.safeParse(text);
    if (result.success) values[name] = result.data;
    else problems.push(describe(name, text));
  }
  return values;
}

/** Checks rules about more than one setting, as far as those settings are valid. */
function checkTogether(
  given: ReadonlyMap<SettingName, string>,
  values: Partial<SettingValues>,
  problems: string[],
): void {
  const { SHARD_COUNT: shards, CLUSTER_COUNT: clusters, IDENTIFY_INTERVAL: interval, DISCORD_API_URL: url } = values;
  if (typeof shards === 'number' && typeof clusters === 'number' && clusters > shards) {
    problems.push(`CLUSTER_COUNT is "${clusters}"; allowed: at most SHARD_COUNT, which is ${shards}`);
  }
  const onDiscord = given.has('DISCORD_TOKEN') && url !== undefined && isDiscord(url);
  if (onDiscord && interval !== undefined && interval < DISCORD_IDENTIFY_INTERVAL_MS) {
    problems.push(describe('IDENTIFY_INTERVAL', given.get('IDENTIFY_INTERVAL') ?? ''));
  }
  if (values.NODE_ENV === 'production' && !given.has('DISCORD_TOKEN')) {
    problems.push(
      'DISCORD_TOKEN is not set, and NODE_ENV=production needs it (the local Discord is for development only)',
    );
  }
}

function describe(name: SettingName, text: string): string {
  const { allowed, ...setting } = SETTINGS[name];
  // A URL may hold a password or a key, and nobody can say where in a broken one.
  const hidden = 'secret' in setting || (name === 'DISCORD_API_URL' && /[@?]/.test(text));
  const shown = hidden ? `a hidden value of ${text.length} characters` : quote(text);
  return `${name} is ${shown}; allowed: ${allowed}`;
}

/** Scrubs before it cuts: half a token would not be recognised. */
function quote(text: string): string {
  const clean = scrub(text);
  return JSON.stringify(clean.length > 80 ? `${clean.slice(0, 80)}...` : clean);
}

/** Keeps a value from breaking the line, and from sending commands to the terminal. */
function oneLine(problem: string): string {
  return problem.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function misspelt(names: readonly string[], given: ReadonlyMap<SettingName, string>): string[] {
  return names.flatMap((name) => {
    if (Object.hasOwn(SETTINGS, name)) return [];
    const upper = name.toUpperCase();
    const meant = OTHER_NAMES[upper] ?? SETTING_NAMES.find((known) => leven(upper, known, { maxDistance: 3 }) <= 2);
    if (meant === undefined || given.has(meant)) return [];
    return [`${name} in .env is not a setting, and ${meant} is not set: did you mean ${meant}?`];
  });
}

function toConfig(values: SettingValues, given: ReadonlyMap<SettingName, string>, warnings: readonly string[]): Config {
  return {
    token: values.DISCORD_TOKEN === undefined ? undefined : new Secret(values.DISCORD_TOKEN),
    apiUrl: values.DISCORD_API_URL,
    shardCount: values.SHARD_COUNT,
    clusterCount: values.CLUSTER_COUNT,
    spareClusters: values.SPARE_CLUSTERS,
    ownerIds: values.OWNER_IDS,
    dataDir: resolve(values.DATA_DIR),
    admin:
      values.ADMIN_PORT === 'off'
        ? undefined
        : {
            host: values.ADMIN_HOST,
            port: values.ADMIN_PORT,
            portIsDefault: !given.has('ADMIN_PORT'),
            token: values.ADMIN_TOKEN === undefined ? undefined : new Secret(values.ADMIN_TOKEN),
            allowsEval: values.ADMIN_EVAL === 'on',
          },
    logLevel: values.LOG_LEVEL,
    spawnTimeoutMs: values.SPAWN_TIMEOUT,
    drainTimeoutMs: values.DRAIN_TIMEOUT,
    hungAfterMs: values.HUNG_AFTER,
    deafAfterMs: values.DEAF_AFTER,
    orphanGraceMs: values.ORPHAN_GRACE,
    resumeWindowMs: values.RESUME_WINDOW,
    identifyIntervalMs: values.IDENTIFY_INTERVAL,
    clusterMemoryMb: values.CLUSTER_MEMORY_MB,
    production: values.NODE_ENV === 'production',
    warnings,
  };
}
