import type { Random } from '../soak/Random.js';

/** Every run has the same seed unless HOSTILE_SEED is set, so a failure can be repeated. */
export const SEED = Number(process.env.HOSTILE_SEED ?? 20_260_101);

const DISPATCHES = [
  ...['AUTO_MODERATION_ACTION_EXECUTION', 'AUTO_MODERATION_RULE_CREATE', 'PRESENCE_UPDATE', 'VOICE_STATE_UPDATE'],
  ...['VOICE_CHANNEL_STATUS_UPDATE', 'TYPING_START', 'MESSAGE_CREATE', 'MESSAGE_UPDATE', 'MESSAGE_DELETE'],
  ...['MESSAGE_DELETE_BULK', 'MESSAGE_REACTION_ADD', 'MESSAGE_REACTION_REMOVE', 'MESSAGE_REACTION_REMOVE_ALL'],
  ...['MESSAGE_POLL_VOTE_ADD', 'GUILD_AUDIT_LOG_ENTRY_CREATE', 'GUILD_MEMBER_ADD', 'GUILD_MEMBER_UPDATE'],
  ...['GUILD_MEMBER_REMOVE', 'GUILD_CREATE', 'GUILD_UPDATE', 'GUILD_DELETE', 'GUILD_BAN_ADD', 'GUILD_ROLE_CREATE'],
  ...['GUILD_ROLE_UPDATE', 'GUILD_ROLE_DELETE', 'INVITE_CREATE', 'CHANNEL_CREATE', 'CHANNEL_UPDATE', 'CHANNEL_DELETE'],
  ...['GUILD_MEMBERS_CHUNK', 'RESUMED', 'READY', 'VOICE_SERVER_UPDATE', 'USER_UPDATE', 'GUILD_EMOJIS_UPDATE'],
  ...['GUILD_STICKERS_UPDATE', 'CHANNEL_PINS_UPDATE', 'WEBHOOKS_UPDATE', 'THREAD_CREATE', 'THREAD_UPDATE'],
  ...['THREAD_DELETE', 'THREAD_LIST_SYNC', 'THREAD_MEMBER_UPDATE', 'THREAD_MEMBERS_UPDATE', 'STAGE_INSTANCE_CREATE'],
  ...['GUILD_SCHEDULED_EVENT_CREATE', 'GUILD_SCHEDULED_EVENT_DELETE', 'INTERACTION_CREATE', 'NOT_A_DISPATCH', ''],
];

/** Makes what a peer that keeps to the rules would never send. */
export class Garbage {
  public constructor(public readonly random: Random) {}

  /** Any value that JSON can hold. */
  public value(depth = 0): unknown {
    const { random } = this;
    const simple = [
      null,
      true,
      false,
      0,
      -1,
      1.5,
      1e308,
      -1e308,
      2 ** 53,
      '',
      'x',
      '0',
      '-1',
      '1e999',
      '\u0000',
      '\ud83d',
    ];
    switch (random.below(depth > 2 ? 4 : 8)) {
      case 0:
        return 'x'.repeat(random.below(5_000));
      case 4:
        return Array.from({ length: random.below(4) }, () => this.value(depth + 1));
      case 5:
      case 6:
        return this.object(depth + 1);
      default:
        return random.pick(simple);
    }
  }

  public object(depth = 0): Record<string, unknown> {
    const names = ['id', 'guild_id', 'user', 'member', 'data', 'type', 'name', '__proto__', 'constructor', 'toString'];
    return Object.fromEntries(
      Array.from({ length: this.random.below(6) }, () => [this.random.pick(names), this.value(depth)]),
    );
  }

  /** A gateway payload that is right in parts. `right` is what a right one would hold. */
  public payload(right: Record<string, unknown>): string {
    const { random } = this;
    const what = random.below(20);
    if (what === 0)
      return String(random.pick(['', '{', '[]', 'null', '"x"', '1', '{"op":0', '<html>502</html>', '{}']));
    if (what === 1) return JSON.stringify(this.value());
    if (what === 2) return JSON.stringify({ op: this.value(), d: this.value(), s: this.value(), t: this.value() });
    if (what === 3) return JSON.stringify({ op: random.pick([1, 7, 9, 10, 11, 2, 6, 99]), d: this.value() });
    const t = random.pick(DISPATCHES);
    const s = random.below(20) === 0 ? { s: this.value() } : {};
    return JSON.stringify({ op: 0, t, ...s, d: random.below(8) === 0 ? this.value() : this.mutated(right) });
  }

  /** Some of its fields are missing or something else. */
  public mutated(right: Record<string, unknown>): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(right).flatMap(([name, value]) => {
        const fate = this.random.below(6);
        if (fate === 0) return [];
        return [[name, fate === 1 ? this.value() : value]];
      }),
    );
  }
}
