/** discord.com/developers/docs/events/gateway#list-of-intents */
export const INTENTS = {
  guilds: 1 << 0,
  guildMembers: 1 << 1,
  guildModeration: 1 << 2,
  guildExpressions: 1 << 3,
  guildIntegrations: 1 << 4,
  guildWebhooks: 1 << 5,
  guildInvites: 1 << 6,
  guildVoiceStates: 1 << 7,
  guildPresences: 1 << 8,
  guildMessages: 1 << 9,
  guildMessageReactions: 1 << 10,
  guildMessageTyping: 1 << 11,
  directMessages: 1 << 12,
  directMessageReactions: 1 << 13,
  directMessageTyping: 1 << 14,
  messageContent: 1 << 15,
  guildScheduledEvents: 1 << 16,
  autoModerationConfiguration: 1 << 20,
  autoModerationExecution: 1 << 21,
  guildMessagePolls: 1 << 24,
  directMessagePolls: 1 << 25,
} as const;

export const ALL_INTENTS = Object.values(INTENTS).reduce((sum, bit) => sum | bit, 0);
export const PRIVILEGED_INTENTS = INTENTS.guildMembers | INTENTS.guildPresences | INTENTS.messageContent;

const BY_PREFIX: readonly (readonly [prefix: string, guild: number, direct: number])[] = [
  ['GUILD_MEMBER_', INTENTS.guildMembers, 0],
  ['GUILD_AUDIT_LOG_ENTRY_', INTENTS.guildModeration, 0],
  ['GUILD_BAN_', INTENTS.guildModeration, 0],
  ['GUILD_EMOJIS_', INTENTS.guildExpressions, 0],
  ['GUILD_STICKERS_', INTENTS.guildExpressions, 0],
  ['GUILD_SOUNDBOARD_', INTENTS.guildExpressions, 0],
  ['GUILD_INTEGRATIONS_', INTENTS.guildIntegrations, 0],
  ['INTEGRATION_', INTENTS.guildIntegrations, 0],
  ['WEBHOOKS_', INTENTS.guildWebhooks, 0],
  ['INVITE_', INTENTS.guildInvites, 0],
  ['VOICE_STATE_', INTENTS.guildVoiceStates, 0],
  ['VOICE_CHANNEL_EFFECT_', INTENTS.guildVoiceStates, 0],
  ['VOICE_CHANNEL_', INTENTS.guilds, 0],
  ['PRESENCE_', INTENTS.guildPresences, 0],
  ['MESSAGE_REACTION_', INTENTS.guildMessageReactions, INTENTS.directMessageReactions],
  ['MESSAGE_POLL_', INTENTS.guildMessagePolls, INTENTS.directMessagePolls],
  ['MESSAGE_', INTENTS.guildMessages, INTENTS.directMessages],
  ['TYPING_', INTENTS.guildMessageTyping, INTENTS.directMessageTyping],
  ['GUILD_SCHEDULED_EVENT_', INTENTS.guildScheduledEvents, 0],
  ['AUTO_MODERATION_RULE_', INTENTS.autoModerationConfiguration, 0],
  ['AUTO_MODERATION_ACTION_', INTENTS.autoModerationExecution, 0],
  ['GUILD_ROLE_', INTENTS.guilds, 0],
  ['CHANNEL_', INTENTS.guilds, INTENTS.directMessages],
  ['THREAD_', INTENTS.guilds, 0],
  ['STAGE_', INTENTS.guilds, 0],
];

const EXACT: Readonly<Record<string, number>> = {
  GUILD_CREATE: INTENTS.guilds,
  GUILD_UPDATE: INTENTS.guilds,
  GUILD_DELETE: INTENTS.guilds,
  // It answers a request of the client. Whether the client may ask is decided there.
  GUILD_MEMBERS_CHUNK: 0,
};

/** @returns the intent that the event needs in a guild or in a DM; 0 if everyone gets it. */
export function intentFor(event: string, isDirect: boolean): number {
  const exact = EXACT[event];
  if (exact !== undefined) return exact;
  const rule = BY_PREFIX.find(([prefix]) => event.startsWith(prefix));
  if (rule === undefined) return 0;
  return isDirect ? rule[2] : rule[1];
}
