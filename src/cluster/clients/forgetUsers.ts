/** What is read and changed of a library's caches. */
export interface UserCaches {
  readonly guilds: { readonly size: number; values(): Iterable<GuildWithMembers> };
  readonly users: { delete(userId: string): unknown };
}

export interface GuildWithMembers {
  readonly members: { readonly size: number; keys(): Iterable<string>; has(userId: string): boolean };
}

/**
 * Above this many look-ups the users of a guild that was left stay in `client.users` (some 100 bytes each) rather than stall
 * the process.
 */
const MAX_LOOKUPS = 500_000;

/** After the bot has left a guild, for libraries that never drop a user: those whom no other cached guild knows are dropped. */
export function forgetUsers({ guilds, users }: UserCaches, left: GuildWithMembers, botId: string | undefined): void {
  if (left.members.size * guilds.size > MAX_LOOKUPS) return;
  const unknown = new Set(left.members.keys());
  if (botId !== undefined) unknown.delete(botId);
  for (const guild of guilds.values()) {
    if (unknown.size === 0) return;
    for (const userId of unknown) if (guild.members.has(userId)) unknown.delete(userId);
  }
  for (const userId of unknown) users.delete(userId);
}
