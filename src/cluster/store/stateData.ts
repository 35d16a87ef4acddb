/** The fields of Discord's payloads that the store reads; everything else is kept as it came. */

export interface EntityData {
  readonly [field: string]: unknown;
}

export interface IdData extends EntityData {
  readonly id: string;
}

export interface MemberData extends EntityData {
  readonly user: IdData;
}

export interface ThreadMemberData extends EntityData {
  /** The id of the thread. */
  readonly id: string;
  readonly user_id: string;
}

/** What GUILD_CREATE says. `thread_members` is our own field: Discord only sends them one by one. */
export interface GuildPayload extends IdData {
  readonly unavailable?: boolean;
  readonly member_count?: number;
  readonly channels?: readonly IdData[];
  readonly roles?: readonly IdData[];
  readonly members?: readonly MemberData[];
  readonly threads?: readonly IdData[];
  readonly thread_members?: readonly ThreadMemberData[];
  readonly voice_states?: readonly EntityData[];
  readonly stage_instances?: readonly IdData[];
  readonly guild_scheduled_events?: readonly IdData[];
  readonly soundboard_sounds?: readonly EntityData[];
}

/** The data of any dispatch in the table; each has some of these. */
export interface StateData extends GuildPayload {
  readonly guild_id: string;
  readonly user_id: string;
  readonly channel_id: string | null;
  readonly role: IdData;
  readonly role_id: string;
  readonly user: IdData;
  readonly type: number;
  readonly member?: MemberData;
  readonly mute: boolean;
  readonly deaf: boolean;
  readonly self_stream?: boolean;
  readonly last_pin_timestamp?: string | null;
  readonly channel_ids?: readonly string[];
  readonly added_members?: readonly (ThreadMemberData & {
    readonly member?: MemberData;
    readonly presence?: unknown;
  })[];
  readonly removed_member_ids?: readonly string[];
  readonly guild_scheduled_event_id: string;
  readonly sound_id: string;
  readonly chunk_index?: number;
  readonly chunk_count?: number;
  readonly nonce?: string;
}
