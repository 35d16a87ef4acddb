import { accessSync, constants } from 'node:fs';
import { join, resolve } from 'node:path';
import { adminAddressFile } from '../core/contracts/adminAddress.js';
import { identityOf, isRunning } from '../core/files/processIdentity.js';
import { MIN_SECRET_LENGTH, Secret } from '../core/log/secrets.js';
import { CliError } from './CliError.js';
import { readLockOwner, readToken } from './dataDirFiles.js';
import { EXIT_CODES } from './exitCodes.js';
import { settingsOf } from './settingsOf.js';

/** Options of every command that say which master is meant. */
export interface MasterOptions {
  readonly dataDir?: string;
  readonly url?: string;
  readonly token?: string;
}

/** Where a master's admin API is, and how it is spoken to. */
export interface MasterLocation {
  /** Without a slash at the end. */
  readonly url: string;
  readonly token: Secret;
  /** Of a master on this machine, found through DATA_DIR. */
  readonly pid: number | undefined;
}

export interface DataDirChoice {
  /** Absolute. */
  readonly path: string;
  /** As it was given, for messages. */
  readonly setting: string;
}

/** DATA_DIR as the option says, or as the bot's own settings do. */
export function chooseDataDir({ dataDir }: MasterOptions, env: NodeJS.ProcessEnv): DataDirChoice {
  const setting = dataDir ?? settingsOf(env).DATA_DIR ?? './data';
  return { setting, path: resolve(setting) };
}

/**
 * Finds the running master: by `--url`, or through DATA_DIR.
 *
 * @throws CliError of one line that says where it was looked for.
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
  throw notRunning(`${where}; start it with npm start, or say with --data-dir or --url where it is`);
}

function findToken(options: MasterOptions, env: NodeJS.ProcessEnv, { path, setting }: DataDirChoice): Secret {
  const text =
    options.token?.trim() || env.KALLISTI_ADMIN_TOKEN?.trim() || settingsOf(env).ADMIN_TOKEN || readToken(path);
  if (text === undefined) {
    const file = join(setting, 'admin-token');
    const why = canRead(join(path, 'admin-token')) ? 'is empty' : 'cannot be read by this user';
    throw unauthorized(`no token for the admin API: ${file} ${why}, and KALLISTI_ADMIN_TOKEN is not set`);
  }
  if (text.length < MIN_SECRET_LENGTH || !/^[!-~]+$/.test(text)) {
    throw unauthorized(
      `that is no token of the admin API: one has at least ${MIN_SECRET_LENGTH} characters and no spaces`,
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
