import { type ChannelPayload, type CommandPayload, isJson, type Json, type MessagePayload } from '../world/payloads.js';
import type { World } from '../world/World.js';

const SUBCOMMAND = 1;
const SUBCOMMAND_GROUP = 2;
const STRING = 3;
const INTEGER = 4;
const BOOLEAN = 5;
const USER = 6;
const CHANNEL = 7;
const ROLE = 8;
const NUMBER = 10;
/** Members and the bot have all permissions. */
const ALL_PERMISSIONS = '2251799813685247';
const ATTACHMENT_SIZE_LIMIT = 10_485_760;

/**
 * `data` of a command interaction, as Discord would send it for what the user typed. Option types come from the registered
 * command. If the command is not registered, they come from the values.
 */
export function commandData(
  world: World,
  command: CommandPayload | undefined,
  name: string,
  path: readonly string[],
  values: Record<string, string | number | boolean>,
  guildId: string,
  focused?: string,
): Json {
  let definitions = command?.options ?? [];
  const nesting: { name: string; type: number }[] = [];
  for (const [depth, part] of path.entries()) {
    const definition = definitions.find((option) => option.name === part);
    const isGroup = definition === undefined ? depth < path.length - 1 : definition.type === SUBCOMMAND_GROUP;
    nesting.push({ name: part, type: isGroup ? SUBCOMMAND_GROUP : SUBCOMMAND });
    definitions = Array.isArray(definition?.options) ? definition.options.filter(isJson) : [];
  }
  const resolved: Record<string, Json> = {};
  let options: Json[] = Object.entries(values).map(([option, value]) => {
    const type = Number(definitions.find((definition) => definition.name === option)?.type ?? typeOf(value));
    resolve(world, resolved, type, String(value), guildId);
    return { name: option, type, value, ...(option === focused ? { focused: true } : {}) };
  });
  for (const level of nesting.reverse()) options = [{ ...level, options }];
  return {
    id: command?.id ?? world.applicationId,
    name,
    type: 1,
    ...(command?.guild_id === undefined ? {} : { guild_id: command.guild_id }),
    ...(options.length === 0 ? {} : { options }),
    ...(Object.keys(resolved).length === 0 ? {} : { resolved }),
  };
}

function typeOf(value: string | number | boolean): number {
  if (typeof value === 'string') return STRING;
  if (typeof value === 'boolean') return BOOLEAN;
  return Number.isInteger(value) ? INTEGER : NUMBER;
}

function resolve(world: World, resolved: Record<string, Json>, type: number, id: string, guildId: string): void {
  const add = (kind: string, value: unknown) => {
    const group = resolved[kind] ?? {};
    group[id] = value;
    resolved[kind] = group;
  };
  if (type === USER) {
    add('users', world.ensureUser(id));
    const member = world.findMember(guildId, id);
    if (member !== undefined) {
      const { user, deaf, mute, ...rest } = member;
      add('members', { ...rest, permissions: ALL_PERMISSIONS });
    }
  } else if (type === CHANNEL) {
    const channel = world.findChannel(id);
    if (channel !== undefined) add('channels', { ...channel, permissions: ALL_PERMISSIONS });
  } else if (type === ROLE) {
    const role = world.findGuild(guildId)?.roles.find((candidate) => candidate.id === id);
    if (role !== undefined) add('roles', role);
  }
}

export interface InteractionSource {
  type: number;
  data: Json;
  guildId: string;
  channel: ChannelPayload;
  token: string;
  userId: string | undefined;
  /** Which member acts if no user is given. */
  choice: number;
  message: MessagePayload | undefined;
}

/** discord.com/developers/docs/interactions/receiving-and-responding#interaction-object */
export function interactionPayload(world: World, source: InteractionSource) {
  const { guildId, channel, message } = source;
  const member = world.actingMember(guildId, source.userId, source.choice);
  return {
    version: 1,
    type: source.type,
    token: source.token,
    id: world.snowflakes.next(),
    application_id: world.applicationId,
    data: source.data,
    guild_id: guildId,
    guild: { id: guildId, locale: 'en-US', features: [] },
    guild_locale: 'en-US',
    channel_id: channel.id,
    channel: { ...channel, permissions: ALL_PERMISSIONS },
    member: { ...member, permissions: ALL_PERMISSIONS },
    locale: 'en-US',
    app_permissions: ALL_PERMISSIONS,
    entitlements: [],
    entitlement_sku_ids: [],
    authorizing_integration_owners: { '0': guildId },
    context: 0,
    attachment_size_limit: ATTACHMENT_SIZE_LIMIT,
    ...(message === undefined ? {} : { message }),
  };
}
