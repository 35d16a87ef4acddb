import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { ConfigError } from '../../../src/core/errors.js';
import { type Config, loadConfig } from '../../../src/core/settings/config.js';
import { SETTING_NAMES, SETTINGS, type SettingName } from '../../../src/core/settings/settings.js';

const folder = mkdtempSync(join(tmpdir(), 'kallisti-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TOKEN = 'local-discord-token';

function load(env: NodeJS.ProcessEnv): Config {
  return loadConfig({ env, envFile: false });
}

let files = 0;
function loadFile(content: string | Buffer, env: NodeJS.ProcessEnv = {}): Config {
  files += 1;
  const path = join(folder, String(files), '.env');
  mkdirSync(join(folder, String(files)));
  writeFileSync(path, content);
  return loadConfig({ env, envFile: path });
}

function errorOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error('it was accepted');
}

describe('loadConfig', () => {
  it('needs nothing: every setting has a default', () => {
    expect(load({})).toEqual({
      token: undefined,
      apiUrl: 'https://discord.com/api',
      shardCount: 'auto',
      clusterCount: 'auto',
      spareClusters: 'auto',
      ownerIds: undefined,
      dataDir: resolve('data'),
      admin: { host: '127.0.0.1', port: 8600, portIsDefault: true, token: undefined, allowsEval: false },
      logLevel: 'info',
      spawnTimeoutMs: 120_000,
      drainTimeoutMs: 10_000,
      hungAfterMs: 10_000,
      deafAfterMs: 30_000,
      orphanGraceMs: 30_000,
      resumeWindowMs: 180_000,
      identifyIntervalMs: 5000,
      clusterMemoryMb: undefined,
      production: false,
      warnings: [],
    });
  });

  it('reads every setting', () => {
    const config = load({
      DISCORD_TOKEN: ` Bot ${TOKEN} `,
      DISCORD_API_URL: 'http://127.0.0.1:4000/api/',
      SHARD_COUNT: '8',
      CLUSTER_COUNT: '4',
      SPARE_CLUSTERS: '0',
      OWNER_IDS: '123456789012345678, 987654321098765432,123456789012345678',
      DATA_DIR: 'var',
      ADMIN_HOST: '0.0.0.0',
      ADMIN_PORT: '8600',
      ADMIN_TOKEN: 'correct-horse-battery',
      ADMIN_EVAL: 'ON',
      LOG_LEVEL: 'DEBUG',
      SPAWN_TIMEOUT: '1.5m',
      DRAIN_TIMEOUT: '0s',
      IDENTIFY_INTERVAL: '250ms',
      CLUSTER_MEMORY_MB: '512',
      NODE_ENV: 'production',
    });
    expect(config.token?.reveal()).toBe(TOKEN);
    expect(config.admin?.token?.reveal()).toBe('correct-horse-battery');
    expect(config).toMatchObject({
      apiUrl: 'http://127.0.0.1:4000/api',
      shardCount: 8,
      clusterCount: 4,
      spareClusters: 0,
      ownerIds: ['123456789012345678', '987654321098765432'],
      dataDir: resolve('var'),
      admin: { host: '0.0.0.0', port: 8600, portIsDefault: false, allowsEval: true },
      logLevel: 'debug',
      spawnTimeoutMs: 90_000,
      drainTimeoutMs: 0,
      identifyIntervalMs: 250,
      clusterMemoryMb: 512,
      production: true,
    });
  });

  it('takes an empty value for one that is not set', () => {
    const config = load({ DISCORD_TOKEN: '', SHARD_COUNT: '  ', LOG_LEVEL: '', NODE_ENV: '' });
    expect(config).toMatchObject({ token: undefined, shardCount: 'auto', logLevel: 'info', production: false });
  });

  it('never shows the token', () => {
    const config = load({ DISCORD_TOKEN: TOKEN });
    expect(inspect(config, { showHidden: true, depth: 9 }) + JSON.stringify(config)).not.toContain(TOKEN);
    expect(JSON.stringify(config)).toContain('[redacted]');
  });

  it('never shows the token of the admin API, also a wrong one', () => {
    const token = 'correct-horse-battery';
    const config = load({ ADMIN_TOKEN: token });
    expect(inspect(config, { showHidden: true, depth: 9 }) + JSON.stringify(config)).not.toContain(token);
    expect(errorOf(() => load({ ADMIN_TOKEN: 'too-short' }))).toBe(
      `ADMIN_TOKEN is a hidden value of 9 characters; allowed: ${SETTINGS.ADMIN_TOKEN.allowed}`,
    );
  });

  it('has no admin API where its port is off', () => {
    expect(load({ ADMIN_PORT: 'off' }).admin).toBeUndefined();
    expect(load({ ADMIN_PORT: '0' }).admin?.port).toBe(0);
  });

  it('leaves the environment as it is', () => {
    const env = Object.freeze({ SHARD_COUNT: '2' });
    load(env);
    loadFile('LOG_LEVEL=debug', env);
    expect(env).toEqual({ SHARD_COUNT: '2' });
    expect(process.env.LOG_LEVEL).not.toBe('debug');
  });

  const wrong: [SettingName, string][] = [
    ...['0', '-1', '1.5', 'abc', '1e9', '1000000000', '0x10', '8 shards', 'NaN', '١'].flatMap(
      (value): [SettingName, string][] => [
        ['SHARD_COUNT', value],
        ['CLUSTER_COUNT', value],
        ['CLUSTER_MEMORY_MB', value],
      ],
    ),
    ...['5', '5 parsecs', '-5s', '25d', '1y', '5s!', 'soon'].flatMap((value): [SettingName, string][] => [
      ['SPAWN_TIMEOUT', value],
      ['DRAIN_TIMEOUT', value],
      ['IDENTIFY_INTERVAL', value],
    ]),
    ['SPAWN_TIMEOUT', '0s'],
    ['DISCORD_API_URL', 'discord.com/api'],
    ['DISCORD_API_URL', 'http:127.0.0.1'],
    ['DISCORD_API_URL', 'ftp://discord.com/api'],
    ['DISCORD_API_URL', 'https://discord.com/api/v10'],
    ['DISCORD_API_URL', 'https://discord.com/api#x'],
    ['DISCORD_API_URL', 'http://discord.com/api'],
    ['DISCORD_API_URL', 'https://'],
    ['DISCORD_API_URL', 'https://dis cord.com'],
    ['OWNER_IDS', 'me'],
    ['OWNER_IDS', '1234'],
    ['OWNER_IDS', '123456789012345678;987654321098765432'],
    ['OWNER_IDS', '99999999999999999999'],
    ['OWNER_IDS', ','],
    ['ADMIN_HOST', 'http://localhost'],
    ['ADMIN_PORT', '65536'],
    ['ADMIN_PORT', 'none'],
    ['ADMIN_EVAL', 'yes'],
    ['LOG_LEVEL', 'loud'],
    ['LOG_LEVEL', '30'],
    ['DATA_DIR', '~/bot'],
    ['DATA_DIR', 'a\0b'],
  ];
  it.each(wrong)('refuses %s=%j in one line that names it, the value and what is allowed', (name, value) => {
    const message = errorOf(() => load({ [name]: value }));
    expect(message.split('\n')).toHaveLength(1);
    expect(message).toBe(`${name} is ${JSON.stringify(value)}; allowed: ${SETTINGS[name].allowed}`);
  });

  it('reports all wrong settings together, one line each', () => {
    const message = errorOf(() => load({ SHARD_COUNT: '0', LOG_LEVEL: 'loud', DRAIN_TIMEOUT: '5' }));
    expect(message.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'SHARD_COUNT',
      'LOG_LEVEL',
      'DRAIN_TIMEOUT',
    ]);
  });

  it('refuses more clusters than shards', () => {
    expect(errorOf(() => load({ SHARD_COUNT: '2', CLUSTER_COUNT: '3' }))).toBe(
      'CLUSTER_COUNT is "3"; allowed: at most SHARD_COUNT, which is 2',
    );
    expect(load({ SHARD_COUNT: '3', CLUSTER_COUNT: '3' }).clusterCount).toBe(3);
    expect(load({ CLUSTER_COUNT: '3' }).clusterCount).toBe(3);
  });

  it('refuses to identify faster than Discord allows, except where it is not Discord', () => {
    const message = errorOf(() => load({ DISCORD_TOKEN: TOKEN, IDENTIFY_INTERVAL: '4s' }));
    expect(message).toMatch(/^IDENTIFY_INTERVAL is "4s"; allowed: .* from 5s to 24d/);
    for (const DISCORD_API_URL of [
      'https://canary.discord.com/api',
      'https://DISCORD.com./api',
      'https://discordapp.com/api',
    ]) {
      errorOf(() => load({ DISCORD_TOKEN: TOKEN, IDENTIFY_INTERVAL: '4s', DISCORD_API_URL }));
    }
    expect(load({ IDENTIFY_INTERVAL: '50ms' }).identifyIntervalMs).toBe(50);
    expect(
      load({ DISCORD_TOKEN: TOKEN, IDENTIFY_INTERVAL: '50ms', DISCORD_API_URL: 'http://notdiscord.com' })
        .identifyIntervalMs,
    ).toBe(50);
  });

  it('needs a token in production', () => {
    const message = errorOf(() => load({ NODE_ENV: 'production' }));
    expect(message).toBe(
      'DISCORD_TOKEN is not set, and NODE_ENV=production needs it (the local Discord is for development only)',
    );
    expect(load({ NODE_ENV: 'development' }).token).toBeUndefined();
  });

  it.each(['short', 'two words', '"quoted-token"', 'tökentoken', 'Bearer abcdefghijkl', 'x'.repeat(600)])(
    'refuses the token %s without showing it',
    (token) => {
      const message = errorOf(() => load({ DISCORD_TOKEN: token }));
      expect(message).toMatch(/^DISCORD_TOKEN is a hidden value of \d+ characters; allowed: a bot token/);
      expect(message).not.toContain(token);
      expect(message.split('\n')).toHaveLength(1);
    },
  );

  it('does not show a token that was put into the wrong variable', () => {
    const shaped = 'MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.abcdefghijklmnopqrstuvwxyz0123456789AB';
    expect(errorOf(() => load({ OWNER_IDS: shaped }))).toContain('OWNER_IDS is "[redacted]"');
    expect(errorOf(() => load({ OWNER_IDS: `${'1'.repeat(60)} ${shaped}` }))).not.toContain('MTIz');
    const both = errorOf(() => load({ DISCORD_TOKEN: 'my secret, not valid', LOG_LEVEL: 'my secret, not valid' }));
    expect(both).not.toContain('my secret');
  });

  it('does not show a password or key in a URL', () => {
    for (const url of ['https://user:hunter22@proxy/api', 'https://proxy/api?key=hunter22', 'http//u:hunter22@x']) {
      expect(errorOf(() => load({ DISCORD_API_URL: url }))).not.toContain('hunter22');
    }
  });

  it('keeps a value from breaking the line or reaching the terminal', () => {
    const message = errorOf(() => load({ LOG_LEVEL: `a\nb\u2028c\u009b31m\u001b[31m\u202e${'x'.repeat(500)}` }));
    expect(message).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
    expect(message.length).toBeLessThan(300);
  });

  it('says when an API URL has no effect', () => {
    expect(load({ DISCORD_API_URL: 'http://localhost:1/api' }).warnings).toEqual([
      'DISCORD_API_URL is not used, because DISCORD_TOKEN is not set',
    ]);
  });
});

describe('.env', () => {
  it('is read, and the environment wins', () => {
    const config = loadFile(
      '\ufeff# comment\r\n\r\nexport SHARD_COUNT = 4 # four\r\nLOG_LEVEL="warn"\r\nDATA_DIR=\'a b\'\r\n',
      {
        SHARD_COUNT: '6',
        DATA_DIR: ' ',
      },
    );
    expect(config).toMatchObject({ shardCount: 6, logLevel: 'warn', dataDir: resolve('a b'), warnings: [] });
  });

  it('must exist where it is named', () => {
    expect(errorOf(() => loadConfig({ env: {}, envFile: join(folder, 'none') }))).toMatch(/none does not exist$/);
  });

  it.each([
    ['DISCORD_TOKEN', 1],
    ['SHARD_COUNT=1\n\n# fine\nsecret-value-alone', 4],
    ['A=1\r\nDISCORD TOKEN=secret-value\r\nB=2', 2],
    ['A="several\nlines"\n=secret-value', 3],
    ['A=1\n<<<<<<< HEAD', 2],
  ])('reports a line that dotenv would skip in silence: %j', (content, line) => {
    const message = errorOf(() => loadFile(content));
    expect(message).toBe(
      `.env line ${line}: allowed: NAME=VALUE, a comment that starts with #, or nothing (the line is not shown)`,
    );
  });

  it('does not list a whole binary file', () => {
    expect(errorOf(() => loadFile('garbage!\n'.repeat(100))).split('\n')).toHaveLength(6);
  });

  it('reports a quote that is not closed', () => {
    expect(errorOf(() => loadFile('\n\nDISCORD_TOKEN="secret-value-1\n'))).toContain(
      '.env line 3: the quote that opens the value of DISCORD_TOKEN is not closed',
    );
    expect(loadFile("GREETING='twas\n").warnings).toEqual([]);
  });

  it('reports a quote that swallows a setting', () => {
    expect(errorOf(() => loadFile('NAME="my bot\nDISCORD_TOKEN=secret-value\nX=5"\n'))).toBe(
      '.env line 1: the quote that opens here is closed only below DISCORD_TOKEN, which is therefore not read',
    );
  });

  it('reads values over several lines, and what it does not know', () => {
    expect(loadFile('KEY="-----BEGIN\nabc=\n-----END"\nMY_OWN: yes\nEMPTY=\nSHARD_COUNT=`2`').shardCount).toBe(2);
  });

  it.each([
    ['UTF-16', Buffer.from('\ufeffSHARD_COUNT=2', 'utf16le')],
    ['binary', Buffer.from([0x80, 0xff, 0x00, 0x0a])],
  ])('that is %s is refused in one line', (_name, content) => {
    expect(errorOf(() => loadFile(content))).toBe('.env is not text in UTF-8: save it as UTF-8');
  });

  it('that may not be read is refused in one line', () => {
    // Root may read anything.
    if (process.getuid?.() === 0) return;
    const path = join(mkdtempSync(join(folder, 'mode-')), '.env');
    writeFileSync(path, '');
    chmodSync(path, 0);
    expect(errorOf(() => loadConfig({ env: {}, envFile: path }))).toContain('EACCES');
  });

  it('with a misspelt name gives a warning, unless the right one is set', () => {
    expect(loadFile('DISCORD_TOKE=x\nSHARDS_COUNT=2\nBOT_TOKEN=y\nlog_level=info\nDATABASE_URL=z').warnings).toEqual([
      'DISCORD_TOKE in .env is not a setting, and DISCORD_TOKEN is not set: did you mean DISCORD_TOKEN?',
      'SHARDS_COUNT in .env is not a setting, and SHARD_COUNT is not set: did you mean SHARD_COUNT?',
      'BOT_TOKEN in .env is not a setting, and DISCORD_TOKEN is not set: did you mean DISCORD_TOKEN?',
      'log_level in .env is not a setting, and LOG_LEVEL is not set: did you mean LOG_LEVEL?',
    ]);
    expect(loadFile(`BOT_TOKEN=y\nDISCORD_TOKEN=${TOKEN}`).warnings).toEqual([]);
  });
});

describe('whatever the settings are', () => {
  /**
   * Checks that each input leads to a config that keeps its promises, or to one error of plain lines.
   *
   * A process keeps every secret that it is given, and each text is searched for all of them. A bot has two. These tests give
   * it hundreds, so each round has modules of its own.
   */
  async function checkAll<Input>(
    input: fc.Arbitrary<Input>,
    rounds: number,
    prepare: (value: Input) => { env: NodeJS.ProcessEnv; envFile: string | false; secret: string },
  ): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      vi.resetModules();
      const fresh = await import('../../../src/core/settings/config.js');
      const { ConfigError: Refusal } = await import('../../../src/core/errors.js');
      const check = fc.property(input, (value) => {
        const { secret, ...options } = prepare(value);
        let config: Config;
        try {
          config = fresh.loadConfig(options);
        } catch (error) {
          expect(error).toBeInstanceOf(Refusal);
          expectPlain((error as ConfigError).message, secret);
          return;
        }
        expectSound(config, secret);
      });
      fc.assert(check, { numRuns: RUNS_A_ROUND });
    }
  }

  function expectPlain(message: string, secret: string): void {
    expect(message).not.toContain(secret);
    expect(message).not.toMatch(/\n\s+at /);
    for (const line of message.split('\n')) expect(line).toMatch(/^[A-Z_]+ is |^\.env /);
  }

  function expectSound(config: Config, secret: string): void {
    // These three show what they were given, and are meant to.
    const shown = { ...config, dataDir: '', apiUrl: '', admin: { ...config.admin, host: '' } };
    expect(inspect(shown) + JSON.stringify(shown)).not.toContain(secret);
    for (const n of [config.spawnTimeoutMs, config.drainTimeoutMs, config.identifyIntervalMs]) {
      expect(Number.isInteger(n) && n >= 0 && n < 2 ** 31).toBe(true);
    }
    for (const n of [config.shardCount, config.clusterCount]) {
      expect(n === 'auto' || (Number.isInteger(n) && n >= 1)).toBe(true);
    }
    expect(URL.canParse(config.apiUrl)).toBe(true);
  }

  const RUNS_A_ROUND = 25;
  const secret = 'Zx9-secret-of-the-test';
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('auto', '1', '0', '5s', 'https://x', 'production', 'info', secret, `Bot ${secret}`, '__proto__'),
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    fc.tuple(fc.string(), fc.string()).map(([a, b]) => a + secret + b),
  );

  it('any value of any variable gives a config or a plain error, and never shows the token', async () => {
    const others = Object.fromEntries(
      SETTING_NAMES.filter((name) => name !== 'DISCORD_TOKEN').map((name) => [name, text]),
    );
    await checkAll(fc.record(others, { requiredKeys: [] }), 20, (values) => ({
      env: { DISCORD_TOKEN: secret, ...values },
      envFile: false,
      secret,
    }));
  });

  it('any token is taken or refused, and never shown', async () => {
    // At least 8 characters once trimmed: a shorter one may well be part of the error's own words.
    const token = fc
      .tuple(text, text)
      .map((parts) => parts.join(''))
      .filter((value) => value.trim().length >= 8);
    await checkAll(token, 4, (value) => ({
      env: { DISCORD_TOKEN: value, LOG_LEVEL: value },
      envFile: false,
      secret: value.trim(),
    }));
  });

  it('any .env gives a config or a plain error, and never shows what is in it', async () => {
    const line = fc.oneof(
      text,
      fc
        .tuple(fc.constantFrom(...SETTING_NAMES, 'X'), fc.constantFrom('=', ' = ', ': ', '', ' '), text)
        .map((parts) => parts.join('')),
      fc.constantFrom('"', "'", '`', '#', 'export A=', `"${secret}`, `TOKEN ${secret}`),
    );
    const content = fc.oneof(
      fc.array(line, { maxLength: 8 }).map((lines) => lines.join('\n')),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    );
    await checkAll(content, 20, (data) => {
      const path = join(folder, '.env');
      writeFileSync(path, data);
      return { env: { DISCORD_TOKEN: secret }, envFile: path, secret };
    });
  });
});

describe('.env.example', () => {
  it('lists every setting with its documentation and default', async () => {
    const blocks = SETTING_NAMES.map((name) => {
      const { doc, default: value } = SETTINGS[name];
      return [...doc.map((line) => `# ${line}`), `#${name}=${value ?? ''}`].join('\n');
    });
    const head =
      '# Copy to .env and take away the # of what you set. The environment wins over .env; an empty value counts as not set.';
    await expect(`${[head, ...blocks].join('\n\n')}\n`).toMatchFileSnapshot('../../../.env.example');
  });

  it('has no line too long to read', () => {
    for (const name of SETTING_NAMES)
      for (const line of SETTINGS[name].doc) expect(line.length).toBeLessThanOrEqual(110);
  });

  it('shows defaults that are valid', () => {
    for (const name of SETTING_NAMES) {
      const value = SETTINGS[name].default;
      if (value !== undefined) expect(SETTINGS[name].schema.safeParse(value).success).toBe(true);
    }
  });
});
