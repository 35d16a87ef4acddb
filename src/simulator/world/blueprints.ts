import {
  CHANNEL_TEXT,
  CHANNEL_THREAD,
  type ChannelPayload,
  type MemberPayload,
  type RolePayload,
  type UserPayload,
} from './payloads.js';

/**
 * What Discord shows of a new thing, whoever made it: the seed or a user. Spreading a common part would cost more than all
 * the rest of a seeded guild, so the frequent ones are written out.
 */

/** Every field of a guild that is not a list of its parts. */
export function newGuildProperties(id: string, name: string, ownerId: string) {
  return {
    id,
    name,
    owner_id: ownerId,
    icon: null,
    splash: null,
    discovery_splash: null,
    banner: null,
    description: null,
    features: [],
    verification_level: 1,
    default_message_notifications: 0,
    explicit_content_filter: 0,
    mfa_level: 0,
    nsfw_level: 0,
    nsfw: false,
    premium_tier: 0,
    premium_subscription_count: 0,
    premium_progress_bar_enabled: false,
    preferred_locale: 'en-US',
    afk_channel_id: null,
    afk_timeout: 300,
    application_id: null,
    system_channel_id: null,
    system_channel_flags: 0,
    rules_channel_id: null,
    public_updates_channel_id: null,
    safety_alerts_channel_id: null,
    vanity_url_code: null,
    max_members: 500_000,
    max_presences: null,
    max_video_channel_users: 25,
    max_stage_video_channel_users: 50,
    large: false,
    unavailable: false,
    stickers: [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
  };
}

export function newTextChannel(id: string, guildId: string, position: number, name: string): ChannelPayload {
  return {
    id,
    guild_id: guildId,
    type: CHANNEL_TEXT,
    name,
    position,
    parent_id: null,
    permission_overwrites: [],
    flags: 0,
    nsfw: false,
    topic: null,
    rate_limit_per_user: 0,
    last_message_id: null,
  };
}

/** @param created ISO 8601. */
export function newThread(
  id: string,
  guildId: string,
  parentId: string,
  ownerId: string,
  name: string,
  created: string,
): ChannelPayload {
  return {
    id,
    guild_id: guildId,
    parent_id: parentId,
    owner_id: ownerId,
    type: CHANNEL_THREAD,
    name,
    last_message_id: null,
    message_count: 0,
    member_count: 1,
    total_message_sent: 0,
    rate_limit_per_user: 0,
    flags: 0,
    thread_metadata: {
      archived: false,
      archive_timestamp: created,
      auto_archive_duration: 4320,
      locked: false,
      create_timestamp: created,
    },
  };
}

export function newRole(id: string, name: string, permissions: string, position: number, color = 0): RolePayload {
  return {
    id,
    name,
    permissions,
    position,
    color,
    colors: { primary_color: color, secondary_color: null, tertiary_color: null },
    hoist: false,
    managed: false,
    mentionable: false,
    icon: null,
    unicode_emoji: null,
    flags: 0,
  };
}

/** @param joinedAt ISO 8601. */
export function newMember(
  user: UserPayload,
  joinedAt: string,
  nick: string | null = null,
  roles: string[] = [],
): MemberPayload {
  return {
    user,
    nick,
    roles,
    joined_at: joinedAt,
    avatar: null,
    banner: null,
    premium_since: null,
    communication_disabled_until: null,
    deaf: false,
    mute: false,
    pending: false,
    flags: 0,
  };
}
