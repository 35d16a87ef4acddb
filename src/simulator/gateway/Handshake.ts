import { randomBytes } from 'node:crypto';
import type { Account } from '../account/Account.js';
import type { ResumeEntry } from '../account/accountEntries.js';
import { now } from '../account/now.js';
import type { FaultPlan } from '../faults/FaultPlan.js';
import type { ResolvedOptions } from '../options.js';
import { isJson } from '../world/payloads.js';
import type { World } from '../world/World.js';
import type { Credentials } from './Credentials.js';
import type { Gateway } from './Gateway.js';
import type { GatewayConnection } from './GatewayConnection.js';
import type { GuildLoader } from './GuildLoader.js';
import type { GateVerdict, IdentifyGate } from './IdentifyGate.js';
import { type Identify, parseIdentify, parseShard } from './identifyPayload.js';
import { Session } from './Session.js';

/** What a {@link Handshake} needs of the simulator. */
export interface HandshakeParts {
  options: ResolvedOptions;
  account: Account;
  credentials: Credentials;
  gate: IdentifyGate;
  gateway: Gateway;
  loader: GuildLoader;
  plan: FaultPlan;
  world: World;
  resumeUrl: () => string;
}

/**
 * Grants an IDENTIFY or a RESUME, or refuses it as Discord does. READY and the guilds follow an IDENTIFY, the replay and
 * RESUMED follow a RESUME. The handshake writes each of them to the account, granted or not.
 */
export class Handshake {
  constructor(private readonly parts: HandshakeParts) {}

  identify(connection: GatewayConnection, data: unknown): void {
    const { account, credentials, gate, options, plan, world } = this.parts;
    if (connection.session !== undefined || connection.identifying) {
      connection.refuse(4005, 'alreadyAuthenticated', 'more than one IDENTIFY on a connection');
      return;
    }
    if (!isJson(data)) {
      connection.refuse(4002, 'malformedPayload', 'IDENTIFY without data');
      return;
    }
    const [shardId, shardCount] = parseShard(data) ?? [0, 1];
    Object.assign(connection.entry, { shardId, shardCount });
    const entry = { at: now(), connectionId: connection.id, shardId, shardCount, tokenOk: true, accepted: false };
    const log = (limits: Omit<GateVerdict, 'result'>, reason: string | null) => {
      const { key, sinceLastOfKeyMs, remaining } = limits;
      const accepted = reason === null;
      account.log(account.identifies, { ...entry, key, sinceLastOfKeyMs, remaining, reason, accepted });
    };

    if (!credentials.acceptsToken(data.token)) {
      entry.tokenOk = false;
      const key = shardId % gate.maxConcurrency;
      log({ key, sinceLastOfKeyMs: null, remaining: gate.remaining }, 'wrong token');
      connection.refuse(4004, 'wrongToken', 'IDENTIFY with a wrong token');
      return;
    }
    const verdict = gate.judge(shardId);
    if (verdict.result === 'exhausted') {
      log(verdict, 'session start limit exceeded');
      this.#resetToken(connection);
      return;
    }
    const parsed = parseIdentify(
      data,
      options.allowedPrivilegedIntents,
      (id, count) => world.guildIdsOfShard(id, count).length,
    );
    if (!parsed.ok) {
      log(verdict, parsed.refusal.detail);
      connection.refuse(parsed.refusal.code, parsed.refusal.kind, parsed.refusal.detail);
      return;
    }
    if (connection.invalidated) {
      // "your app should disconnect": discord.com/developers/docs/events/gateway#resuming. Only noted, because eris does it.
      connection.complain('identifyOnInvalidatedConnection', `shard ${shardId} identified where it had got op 9`);
    }
    if (verdict.result === 'tooEarly') {
      const detail = `shard ${shardId}: ${verdict.sinceLastOfKeyMs?.toFixed(0)} ms after the last IDENTIFY of key ${verdict.key}`;
      log(verdict, 'too early');
      connection.complain('identifyTooEarly', detail);
      connection.invalidate(false);
      return;
    }
    const faultCode = plan.takeIdentifyClose(shardId);
    if (faultCode !== undefined) {
      log(verdict, `fault: close ${faultCode}`);
      connection.close(faultCode, 'closed by a fault');
      return;
    }
    log(verdict, null);
    connection.identifying = true;
    connection.entry.identifiedAt = now();
    const delay = plan.readyDelayMs ?? options.readyDelayMs;
    if (delay === 0) {
      this.#ready(connection, parsed.identify);
      return;
    }
    this.parts.gateway.after(delay, () => this.#ready(connection, parsed.identify));
  }

  /** All sessions end, and the token is no longer valid: discord.com/developers/docs/events/gateway#identifying */
  #resetToken(connection: GatewayConnection): void {
    const { credentials, gateway } = this.parts;
    connection.complain('tokenReset', 'IDENTIFY beyond the session start limit: Discord resets the token');
    credentials.reset();
    for (const session of [...gateway.sessions.values()])
      if (session.connection === undefined) gateway.endSession(session);
    for (const other of [...gateway.connections]) {
      const session = other.session;
      other.close(4004, 'the token was reset');
      if (session !== undefined) gateway.endSession(session);
    }
  }

  #ready(connection: GatewayConnection, identify: Identify): void {
    if (connection.isClosing) return;
    const { gateway, loader, options, world, resumeUrl } = this.parts;
    const { shardId, shardCount, intents, largeThreshold } = identify;
    const session = new Session(
      {
        id: randomBytes(16).toString('hex'),
        shardId,
        shardCount,
        intents,
        largeThreshold,
        version: connection.version,
        encoding: connection.encoding,
      },
      options.replayBufferEvents,
    );
    session.presence = identify.presence;
    if (identify.compress) connection.enablePayloadCompression();
    gateway.attach(session, connection);
    const guildIds = world.guildIdsOfShard(shardId, shardCount);
    // Without the intent no GUILD_CREATE follows. The bot is online in its guilds from now on.
    const online = session.has('guilds') ? session.pendingGuilds : loader.seen;
    for (const id of guildIds) online.add(id);
    const ready = {
      v: Number(connection.version),
      user: world.bot,
      user_settings: {},
      session_type: 'normal',
      session_id: session.id,
      resume_gateway_url: resumeUrl(),
      shard: [shardId, shardCount],
      application: { id: world.applicationId, flags: 0 },
      guilds: guildIds.map((id) => ({ id, unavailable: true })),
      private_channels: [],
      presences: [],
      relationships: [],
      guild_join_requests: [],
      geo_ordered_rtc_regions: [],
      auth: {},
      _trace: ['["local-discord"]'],
    };
    session.dispatch('READY', JSON.stringify(ready));
    connection.withheld = this.parts.plan.takeWithheld(shardId);
    loader.resume(session);
  }

  resume(connection: GatewayConnection, data: unknown): void {
    const { account, credentials } = this.parts;
    if (connection.session !== undefined || connection.identifying) {
      connection.refuse(4005, 'alreadyAuthenticated', 'RESUME on a connection that has a session');
      return;
    }
    const parsed = parseResume(data);
    if (parsed === undefined) {
      connection.refuse(4002, 'malformedPayload', 'RESUME needs token, session_id, seq');
      return;
    }
    const { token, sessionId, seq } = parsed;
    const session = this.parts.gateway.findSession(sessionId);
    if (session !== undefined) {
      Object.assign(connection.entry, { shardId: session.shardId, shardCount: session.shardCount });
    }
    const entry: ResumeEntry = {
      at: now(),
      connectionId: connection.id,
      sessionId,
      shardId: session?.shardId ?? null,
      shardCount: session?.shardCount ?? null,
      seq,
      ok: false,
      reason: null,
      replayed: 0,
      atResumeUrl: connection.entry.url === 'resume',
      tookOver: false,
    };
    account.log(account.resumes, entry);
    if (!credentials.acceptsToken(token)) {
      entry.reason = 'wrong token';
      connection.refuse(4004, 'wrongToken', 'RESUME with a wrong token');
      return;
    }
    if (session === undefined) {
      this.#refuseResume(connection, entry, 'unknown or expired session');
      return;
    }
    this.#resumeSession(connection, session, entry);
  }

  #resumeSession(connection: GatewayConnection, session: Session, entry: ResumeEntry): void {
    const { gateway, plan } = this.parts;
    const fault = plan.takeResumeRefusal(session.shardId);
    if (fault !== undefined) {
      if (!fault.resumable) gateway.endSession(session);
      this.#refuseResume(connection, entry, 'fault: refused', fault.resumable);
      return;
    }
    if (connection.version !== session.version || connection.encoding !== session.encoding) {
      // "the same version and encoding as the initial connection": discord.com/developers/docs/events/gateway#resuming
      connection.complain(
        'resumeWithOtherEncoding',
        `session of v=${session.version}, resumed with v=${connection.version}`,
      );
      this.#refuseResume(connection, entry, 'other version or encoding');
      return;
    }
    if (entry.seq > session.seq) {
      entry.reason = 'seq was never sent';
      gateway.endSession(session);
      connection.refuse(4007, 'resumeSequenceUnknown', `RESUME from seq ${entry.seq}, sent were ${session.seq}`);
      return;
    }
    const missed = session.eventsAfter(entry.seq);
    if (missed === undefined) {
      gateway.endSession(session);
      this.#refuseResume(connection, entry, 'events are no longer there');
      return;
    }
    const old = session.connection;
    if (old !== undefined) {
      // A client that has sent its close frame has let go of the session, though its socket may still be there.
      entry.tookOver = !old.isClosing;
      old.close(4000, 'the session was resumed on another connection');
      session.detach(old);
      old.session = undefined;
    }
    gateway.attach(session, connection);
    connection.entry.resumedAt = now();
    entry.ok = true;
    for (const event of missed) {
      // A RESUMED is about one connection. On a later one it would end the replay too early.
      if (event.name === 'RESUMED') continue;
      session.replay(event);
      entry.replayed++;
    }
    session.dispatch('RESUMED', '{"_trace":["[\\"local-discord\\"]"]}');
    connection.withheld = plan.takeWithheld(session.shardId);
    this.parts.loader.resume(session);
  }

  #refuseResume(connection: GatewayConnection, entry: ResumeEntry, reason: string, resumable = false): void {
    entry.reason = reason;
    connection.invalidate(resumable);
  }
}

function parseResume(data: unknown): { token: string; sessionId: string; seq: number } | undefined {
  if (!isJson(data)) return undefined;
  const { token, session_id: sessionId, seq } = data;
  if (typeof token !== 'string' || typeof sessionId !== 'string') return undefined;
  if (typeof seq !== 'number' || !Number.isInteger(seq) || seq < 0) return undefined;
  return { token, sessionId, seq };
}
