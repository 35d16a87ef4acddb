import { inflateSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { INTENTS, type Simulator } from '../../src/simulator/index.js';

export interface Packet {
  op: number;
  t: string | null;
  s: number | null;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into payloads of every kind.
  d: any;
}

const PROPERTIES = { os: 'linux', browser: 'test', device: 'test' };

/** Where it connects, and as whom. */
type Account = Pick<Simulator, 'gatewayUrl' | 'token'>;

/** A gateway client that does only what it is told, so that tests can break each rule. */
export class RawGateway {
  readonly packets: Packet[] = [];
  readonly frames: Buffer[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  #wakers: (() => void)[] = [];

  constructor(
    readonly socket: WebSocket,
    private readonly token: string,
  ) {
    socket.on('message', (data: Buffer, isBinary) => {
      this.frames.push(data);
      // zlib-stream frames are left to the test that is about them.
      if (isBinary && data.subarray(-4).equals(Buffer.from([0, 0, 0xff, 0xff]))) return this.#wake();
      try {
        this.packets.push(JSON.parse((isBinary ? inflateSync(data) : data).toString()));
      } catch {
        this.packets.push({ op: -1, t: null, s: null, d: data.toString() });
      }
      this.#wake();
    });
    this.closed = new Promise((resolve) =>
      socket.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#wake();
      }),
    );
    socket.on('error', () => undefined);
  }

  static async open(discord: Account, query = 'v=10&encoding=json', base = discord.gatewayUrl): Promise<RawGateway> {
    const client = new RawGateway(new WebSocket(`${base}/?${query}`), discord.token);
    await new Promise((resolve, reject) => client.socket.once('open', resolve).once('error', reject));
    return client;
  }

  /** Connected, identified and with all its guilds. */
  static async login(discord: Account, identify: Record<string, unknown> = {}, query?: string): Promise<RawGateway> {
    const client = await RawGateway.open(discord, query);
    client.identify(identify);
    const ready = await client.event('READY');
    if (typeof identify.intents === 'number' && (identify.intents & INTENTS.guilds) === 0) return client;
    for (const { id } of ready.d.guilds)
      await client.find((packet) => packet.t === 'GUILD_CREATE' && packet.d.id === id);
    return client;
  }

  /** The session's end of it: what a client has to keep for a RESUME. */
  get session(): { sessionId: string; seq: number; resumeUrl: string } {
    const ready = this.packets.find((packet) => packet.t === 'READY');
    const seq = Math.max(...this.packets.map((packet) => packet.s ?? 0));
    return { sessionId: ready?.d.session_id, seq, resumeUrl: ready?.d.resume_gateway_url };
  }

  send(op: number, d: unknown): void {
    this.socket.send(JSON.stringify({ op, d }));
  }

  identify(over: Record<string, unknown> = {}): void {
    const intents = INTENTS.guilds | INTENTS.guildMessages;
    this.send(2, { token: this.token, intents, properties: PROPERTIES, ...over });
  }

  resume(sessionId: string, seq: number, token = this.token): void {
    this.send(6, { token, session_id: sessionId, seq });
  }

  /** Opens another connection at the session's URL and resumes there. */
  async resumeElsewhere(discord: Simulator, seq = this.session.seq): Promise<RawGateway> {
    const other = await RawGateway.open(discord, undefined, this.session.resumeUrl);
    other.resume(this.session.sessionId, seq);
    return other;
  }

  /** Answers the commands of that name, or all of them, by REST. */
  answerWithPong(url: string, name?: string): void {
    this.socket.on('message', (data: Buffer) => {
      const { t, d }: Packet = JSON.parse(data.toString());
      if (t !== 'INTERACTION_CREATE' || d.data.name !== (name ?? d.data.name)) return;
      void fetch(`${url}/interactions/${d.id}/${d.token}/callback`, {
        method: 'POST',
        body: JSON.stringify({ type: 4, data: { content: 'pong' } }),
      }).catch(() => undefined); // The simulator may have been stopped meanwhile: the test is over then.
    });
  }

  /** Sends a heartbeat and waits for its answer: everything that was sent before is here then. */
  async settle(): Promise<void> {
    const isAck = (packet: Packet): boolean => packet.op === 11;
    const before = this.packets.filter(isAck).length;
    this.send(1, null);
    await this.find(() => this.packets.filter(isAck).length > before);
  }

  /** Names of the events that came so far. */
  get events(): string[] {
    return this.packets.filter(({ op }) => op === 0).map(({ t }) => t ?? '');
  }

  event(name: string): Promise<Packet> {
    return this.find((packet) => packet.t === name);
  }

  op(code: number): Promise<Packet> {
    return this.find((packet) => packet.op === code);
  }

  /** The first packet that fits, now or later; fails after five seconds. */
  async find(fits: (packet: Packet) => boolean): Promise<Packet> {
    const end = Date.now() + 5000;
    for (;;) {
      const found = this.packets.find(fits);
      if (found !== undefined) return found;
      if (Date.now() > end)
        throw new Error(`not within 5 s; got ${this.packets.map(({ op, t }) => t ?? op).join(' ')}`);
      await Promise.race([new Promise<void>((resolve) => this.#wakers.push(resolve)), wait(200)]);
    }
  }

  close(code = 1000): Promise<unknown> {
    this.socket.close(code);
    return this.closed;
  }

  #wake(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
