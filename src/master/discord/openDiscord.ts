import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../../core/log/logger.js';
import type { Config } from '../../core/settings/config.js';
import { DataDir } from '../dataDir/DataDir.js';
import { LocalDiscord } from './LocalDiscord.js';

/** The Discord that the master runs against, and what follows from which one it is. */
export interface DiscordAccess {
  readonly token: string;
  readonly apiUrl: string;
  /** Undefined: the application's owner or team. */
  readonly ownerIds: readonly string[] | undefined;
  readonly identifyIntervalMs: number;
  readonly clusterCount: number | 'auto';
  /** The folder of this bot's state. */
  readonly dataDir: string;
  /** Ends the local Discord, where there is one. */
  close(): Promise<void>;
}

/** The local Discord of `npm start` without a token: a bot of some size, and logins as fast as it allows. */
const LOCAL = { guilds: 4_000, shards: 8, clusters: 4, identifyIntervalMs: 100, commandsPerSecond: 5 } as const;

/**
 * Opens Discord as the settings say. Without a token it starts the local one.
 *
 * @throws KallistiError where the local one does not come up.
 */
export async function openDiscord(config: Config, dataDir: string, logger: Logger): Promise<DiscordAccess> {
  const { token, apiUrl, ownerIds, identifyIntervalMs, clusterCount } = config;
  if (token !== undefined) {
    const close = (): Promise<void> => Promise.resolve();
    return { token: token.reveal(), apiUrl, ownerIds, identifyIntervalMs, clusterCount, dataDir, close };
  }
  const discord = new LocalDiscord(logger, [
    ...['--guilds', String(LOCAL.guilds), '--shards', String(LOCAL.shards)],
    ...['--identify-interval', String(LOCAL.identifyIntervalMs)],
    ...['--commands-per-second', String(LOCAL.commandsPerSecond)],
  ]);
  const address = await discord.start();
  // In a folder of its own, because nothing of it may mix with a real bot's state.
  const own = new DataDir(join(dataDir, 'local-discord'));
  forget(own.path);
  own.prepare();
  return {
    token: address.token,
    apiUrl: address.url,
    ownerIds: ownerIds ?? [address.ownerId],
    identifyIntervalMs: LOCAL.identifyIntervalMs,
    clusterCount: clusterCount === 'auto' ? LOCAL.clusters : clusterCount,
    dataDir: own.path,
    close: () => discord.stop(),
  };
}

/** Sessions and token of an earlier local Discord ended with it. Its stores are of no use to this one. */
function forget(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // The shards set aside what is left, and log that. Where the folder cannot be written at all, DataDir throws.
  }
}
