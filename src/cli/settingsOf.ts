import { readEnvFile } from '../core/settings/envFile.js';

/** What the command line needs of the bot's settings to find its master. */
export type Settings = Readonly<Record<'DATA_DIR' | 'ADMIN_TOKEN', string | undefined>>;

/**
 * Reads these settings as the bot does: the environment wins over `.env`, an empty value counts as not set. It checks
 * nothing: a bot that runs must be found, whatever somebody has just done to its other settings.
 */
export function settingsOf(env: NodeJS.ProcessEnv): Settings {
  const file = readEnvFile('.env')?.values ?? {};
  const read = (name: keyof Settings): string | undefined => env[name]?.trim() || file[name]?.trim() || undefined;
  return { DATA_DIR: read('DATA_DIR'), ADMIN_TOKEN: read('ADMIN_TOKEN') };
}
