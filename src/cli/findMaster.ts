import { accessSync, constants, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { adminAddressFile } from '../core/contracts/adminAddress.js';
import { JsonFile } from '../core/files/JsonFile.js';
import { identityOf, isRunning, processIdentitySchema } from '../core/files/processIdentity.js';
import { MIN_SECRET_LENGTH, Secret } from '../core/log/secrets.js';
import { readEnvFile } from '../core/settings/envFile.js';
import { CliError, EXIT_CODES } from './exitCodes.js';

/** Options of every command that say which master is meant. */
export interface MasterOptions {
  readonly dataDir?: string;
  readonly url?: string;
  readonly token?: string;
}

/** Where a master's admin API is, and its token. */
export interface MasterLocation {
  /** Without a slash at the end. */
  readonly url: string;
  readonly token: Secret;
  /** Known for a master on this machine that was found through DATA_DIR. */
  readonly pid: number | undefined;
}

export interface DataDirChoice {
  /** Absolute. */
  readonly path: string;
  /** As it was given, for messages. */
  readonly setting: string;
}

/** The process that has DATA_DIR, or had it when it died. */
export interface LockOwner {
  readonly pid: number;
  /** Null: nobody can say, because it ran in another container. */
  readonly isRunning: boolean | null;
}

/** @returns DATA_DIR as the option, or else the bot's own settings, name it. */
export function chooseDataDir({ dataDir }: MasterOptions, env: NodeJS.ProcessEnv): DataDirChoice {
  const setting = dataDir ?? settingOf('DATA_DIR', env) ?? './data';
  return { setting, path: resolve(setting) };
}

/** @returns the owner of DATA_DIR's lock; undefined: it has none. */
export function readLockOwner(dataDir: string): LockOwner | undefined {
  const owner = new JsonFile(join(dataDir, 'master.lock'), processIdentitySchema).tryRead();
  return owner === undefined ? undefined : { pid: owner.pid, isRunning: isRunning(owner) };
}

/**
 * Finds the running master, by `--url` or through DATA_DIR.
 *
 * @throws CliError of one line that says where the command line has looked.
 */
export function findMaster(options: MasterOptions, env: NodeJS.ProcessEnv): MasterLocation {
  const dataDir = chooseDataDir(options, env);
  const address = options.url === undefined ? findAddress(dataDir) : { url: checkUrl(options.url), pid: undefined };
  return { ...address, token: findToken(options, env, dataDir) };
}

function findAddress({ path, setting }: DataDirChoice): { readonly url: string; readonly pid: number } {
  const found = adminAddressFile(path).tryRead();
  if (found !== undefined && isRunning(identityOf(found.pid)))
    return { url: found.url.replace(/\/+$/, ''), pid: found.pid };
  const owner = readLockOwner(path);
  if (owner?.isRunning === true) {
    throw notRunning(
      `a master (pid ${owner.pid}) runs on DATA_DIR=${setting}, but its admin API does not (yet): it is starting, or ADMIN_PORT is off`,
    );
  }
  const where = `no master runs on DATA_DIR=${setting}`;
  if (found !== undefined) throw notRunning(`${where}: the last one (pid ${found.pid}) is gone`);
  throw notRunning(`${where}; start it with npm start, or name another with --data-dir or --url`);
}

function findToken(options: MasterOptions, env: NodeJS.ProcessEnv, { path, setting }: DataDirChoice): Secret {
  const text =
    options.token?.trim() || env.KALLISTI_ADMIN_TOKEN?.trim() || settingOf('ADMIN_TOKEN', env) || readToken(path);
  if (text === undefined) {
    const file = join(setting, 'admin-token');
    const why = canRead(join(path, 'admin-token')) ? 'is empty' : 'cannot be read by this user';
    throw unauthorized(`no token for the admin API: ${file} ${why}, and KALLISTI_ADMIN_TOKEN is not set`);
  }
  if (text.length < MIN_SECRET_LENGTH || !/^[!-~]+$/.test(text)) {
    throw unauthorized(
      `this is no token of the admin API: it must have at least ${MIN_SECRET_LENGTH} characters and no spaces`,
    );
  }
  return new Secret(text);
}

function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new CliError(
      EXIT_CODES.wrongArguments,
      'CONFIG_INVALID',
      '--url must be like http://127.0.0.1:8600, without user and password',
    );
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/**
 * Reads a setting as the bot does: the environment wins over `.env`, and an empty value counts as not set. It checks nothing, so
 * that a running bot is found whatever somebody has done to its other settings since.
 */
function settingOf(name: 'DATA_DIR' | 'ADMIN_TOKEN', env: NodeJS.ProcessEnv): string | undefined {
  return env[name]?.trim() || readEnvFile('.env')?.values[name]?.trim() || undefined;
}

/** The token that the master has made. */
function readToken(dataDir: string): string | undefined {
  try {
    return readFileSync(join(dataDir, 'admin-token'), 'utf8').trim() || undefined;
  } catch {
    return undefined; // It does not exist, or belongs to another user.
  }
}

function canRead(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function notRunning(message: string): CliError {
  return new CliError(EXIT_CODES.noMaster, 'MASTER_NOT_RUNNING', message);
}

function unauthorized(message: string): CliError {
  return new CliError(EXIT_CODES.refused, 'UNAUTHORIZED', message);
}
