import { existsSync } from 'node:fs';
import { ConfigError } from '../../core/errors.js';
import { type Config, loadConfig } from '../../core/settings/config.js';
import { type Finding, fail, ok, warn } from './Finding.js';

export interface SettingsCheck {
  /** Undefined if a setting is wrong. */
  readonly config: Config | undefined;
  readonly findings: readonly Finding[];
}

/** Checks every setting, by the rules of the bot. */
export function checkSettings(env: NodeJS.ProcessEnv): SettingsCheck {
  try {
    const config = loadConfig({ env });
    const source = existsSync('.env') ? 'environment and .env' : 'environment; there is no .env in this folder';
    const fix = 'correct the name in .env';
    return {
      config,
      findings: [
        ...config.warnings.map((warning) => warn('settings', warning, fix)),
        ok('settings', `valid (${source})`),
      ],
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const findings = error.message.split('\n').map((line) => fail('settings', line, 'the bot does not start with it'));
    return { config: undefined, findings };
  }
}
