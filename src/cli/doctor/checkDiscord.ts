import { Layout } from '../../core/discord/Layout.js';
import type { Secret } from '../../core/log/secrets.js';
import type { Config } from '../../core/settings/config.js';
import { duration, plural, whole } from '../../core/text/measures.js';
import { printable } from '../Screen.js';
import { type Application, DiscordProbe, type Gateway } from './DiscordProbe.js';
import { type Finding, fail, ok, warn } from './Finding.js';

export interface DiscordCheckOptions {
  /** Intents that the bot asks for, by their names in eris. */
  readonly intents: readonly string[];
  /** Whether a master runs, whose sessions can be resumed. */
  readonly isRunning: boolean;
  readonly dataDir: string;
  readonly signal: AbortSignal;
}

const PORTAL = 'https://discord.com/developers/applications';

/**
 * Intents that Discord must grant, with the flags of an application that has them: approved, or for a bot in fewer than 100
 * guilds (discord.com/developers/docs/resources/application#application-object-application-flags).
 */
const PRIVILEGED: Readonly<Record<string, { readonly title: string; readonly flags: number }>> = {
  guildPresences: { title: 'Presence Intent', flags: (1 << 12) | (1 << 13) },
  guildMembers: { title: 'Server Members Intent', flags: (1 << 14) | (1 << 15) },
  messageContent: { title: 'Message Content Intent', flags: (1 << 18) | (1 << 19) },
};

/** Discord closes a shard with more guilds than this with 4011. */
const MAX_GUILDS_PER_SHARD = 2_500;
const IDENTIFY_PAUSE_MS = 5_000;
const CLOCK_TOLERANCE_MS = 5_000;

/** Checks that Discord would let this bot in now, with these settings. */
export async function checkDiscord(config: Config, options: DiscordCheckOptions): Promise<Finding[]> {
  const { token, apiUrl } = config;
  if (token === undefined) {
    return [
      warn(
        'DISCORD_TOKEN',
        'not set: the bot would run against the local Discord',
        `put the token of ${PORTAL} (Bot, Reset Token) into .env as DISCORD_TOKEN`,
      ),
    ];
  }
  return askDiscord(config, token, new DiscordProbe(apiUrl, token, options.signal), options);
}

async function askDiscord(
  config: Config,
  token: Secret,
  probe: DiscordProbe,
  options: DiscordCheckOptions,
): Promise<Finding[]> {
  const { host } = new URL(config.apiUrl);
  // One after the other: with a wrong token each request counts towards a ban (10 000 invalid requests in 10 minutes).
  const gateway = await probe.getGateway();
  if ('refused' in gateway) {
    const text = `${host} does not accept it (401); it is ${plural(token.reveal().length, 'character')} long`;
    return [
      fail('DISCORD_TOKEN', text, `take the bot's token (not the client secret) from ${PORTAL}, Bot, Reset Token`),
    ];
  }
  if ('failure' in gateway) {
    const fix = 'check the network, a proxy or firewall, and DISCORD_API_URL; the bot itself would go on trying';
    return [fail('Discord', `${host}: ${gateway.failure}`, fix)];
  }
  const application = await probe.getApplication();
  const known = 'value' in application ? application.value : undefined;
  const shards = shardsOf(config, token, gateway.value, options.dataDir);
  return [
    ok('DISCORD_TOKEN', `${host} accepts it`),
    ...(known === undefined
      ? [warn('application', `cannot be read: ${'failure' in application ? application.failure : '401'}`)]
      : [checkApplication(known, config), ...checkIntents(known, options.intents)]),
    ...checkShards(config, shards, gateway.value, known),
    checkBudget(shards, gateway.value, options.isRunning),
    checkClock(gateway.clockOffsetMs),
  ];
}

function checkApplication({ id, name, owner, team }: Application, { ownerIds }: Config): Finding {
  const whose = team != null ? `team ${team.name}` : owner != null ? `${owner.username} (${owner.id})` : 'unknown';
  const owners = ownerIds === undefined ? 'who may run owner commands' : 'OWNER_IDS says who may run owner commands';
  const text = printable(`${name} (${id}), owner: ${whose}; ${owners}`);
  const nobody = owner == null && team == null && ownerIds === undefined;
  return nobody ? warn('application', text, 'set OWNER_IDS: nobody may run owner commands') : ok('application', text);
}

function checkIntents({ flags }: Application, intents: readonly string[]): Finding[] {
  const known = Object.entries(PRIVILEGED);
  const granted = known.filter(([, intent]) => (flags & intent.flags) !== 0).map(([name]) => name);
  const missing = known.filter(([name]) => intents.includes(name) && !granted.includes(name));
  if (missing.length === 0) {
    const wanted = intents.length === 0 ? "the framework's own, which need no approval" : intents.join(', ');
    return [ok('intents', `wanted: ${wanted}; privileged and granted: ${granted.join(', ') || 'none'}`)];
  }
  return missing.map(([name, { title }]) =>
    fail(
      'intents',
      `${name} is not granted: Discord would refuse the login (4014)`,
      `turn on ${title} at ${PORTAL}, Bot`,
    ),
  );
}

/** @returns how many shards the bot would start. */
function shardsOf({ shardCount, apiUrl }: Config, token: Secret, gateway: Gateway, dataDir: string): number {
  if (shardCount !== 'auto') return shardCount;
  // The bot itself will say what is wrong with its file.
  const logger = { info: () => undefined, warn: () => undefined };
  return new Layout({ dataDir, token: token.reveal(), apiUrl, logger }).load() ?? gateway.shards;
}

function checkShards(
  { shardCount, clusterCount }: Config,
  shards: number,
  { shards: recommended }: Gateway,
  application: Application | undefined,
): Finding[] {
  const findings: Finding[] = [];
  const guilds = application?.approximate_guild_count ?? 0;
  const advice = `Discord recommends ${whole(recommended)}`;
  if (guilds / shards > MAX_GUILDS_PER_SHARD) {
    const text = `${shards} for about ${whole(guilds)} guilds: Discord would refuse the login (4011)`;
    findings.push(
      fail('SHARD_COUNT', text, `set it to ${Math.max(recommended, Math.ceil(guilds / MAX_GUILDS_PER_SHARD))}`),
    );
  } else if (shards < recommended) {
    const kept = shardCount === 'auto' ? ', which auto keeps' : '';
    findings.push(warn('SHARD_COUNT', `${shards}${kept}; ${advice}`, `set it to ${recommended} or more`));
  } else {
    findings.push(ok('SHARD_COUNT', shardCount === 'auto' ? `auto: ${whole(shards)}` : `${shards}; ${advice}`));
  }
  if (clusterCount !== 'auto' && clusterCount > shards) {
    const text = `${clusterCount}, and there are ${plural(shards, 'shard')}: the bot would not start`;
    findings.push(fail('CLUSTER_COUNT', text, `set it to auto, or to ${shards} or less`));
  }
  return findings;
}

function checkBudget(shards: number, gateway: Gateway, isRunning: boolean): Finding {
  const { total, remaining, resetAfterMs, maxConcurrency } = gateway.session_start_limit;
  const reset = resetAfterMs > 0 ? `, reset in ${duration(resetAfterMs)}` : '';
  const left = `${whole(remaining)} of ${whole(total)} left${reset}`;
  const coldStartMs = Math.max(0, Math.ceil(shards / maxConcurrency) - 1) * IDENTIFY_PAUSE_MS;
  const text = `${left}; a cold start needs ${whole(shards)} and takes ${duration(coldStartMs)} or more`;
  if (remaining >= 2 * shards) return ok('IDENTIFY budget', text);
  const fix = 'wait for the reset before a cold start; what can be resumed needs none';
  // One IDENTIFY too many makes Discord reset the token. The master never sends it: its shards wait.
  return remaining < shards && !isRunning ? fail('IDENTIFY budget', text, fix) : warn('IDENTIFY budget', text, fix);
}

function checkClock(offsetMs: number | undefined): Finding {
  if (offsetMs === undefined) return ok('clock', 'not compared: the answer had no date');
  const distance = duration(Math.abs(offsetMs));
  if (Math.abs(offsetMs) <= CLOCK_TOLERANCE_MS) return ok('clock', "agrees with Discord's");
  const text = `${distance} ${offsetMs > 0 ? 'ahead of' : 'behind'} Discord's`;
  return warn(
    'clock',
    text,
    'turn on time synchronisation (NTP): the bot counts the age of sessions and the reset of the budget by it',
  );
}
