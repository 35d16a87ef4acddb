import { now } from '../account/now.js';

export interface RestFault {
  /** A part of `METHOD /path`, e.g. `POST /channels` or `/callback`; without it every request. */
  route?: string;
  /** How many requests it strikes. Default: all, until {@link Faults.clear}. */
  times?: number;
  /** Handles the request after this many milliseconds. Default: 0. */
  delayMs?: number;
  /** Answers with this status instead of handling the request. */
  status?: number;
  /** Body of that answer. Default: HTML, as Discord's front sends it with a 5xx. */
  body?: unknown;
}

/** What a connection no longer gets, though its socket stays open and everything else goes on. */
export type Withheld = 'acks' | 'dispatches';

interface Counted {
  left: number;
}

/**
 * What will go wrong. {@link Faults} writes the plan, the gateway and the REST side read it. The plan keeps count, so that
 * "the next two RESUMEs" means two.
 */
export class FaultPlan {
  helloDelayMs = 0;
  readyDelayMs: number | undefined;
  recommendedShards: number | undefined;
  #refusedUntil = 0;
  #resume = new Map<number, Counted & { resumable: boolean }>();
  #identify: (Counted & { code: number; shardId: number | undefined }) | undefined;
  #withheld = new Map<number, Counted & { what: Withheld }>();
  #rest: (Counted & { fault: RestFault })[] = [];

  clear(): void {
    this.helloDelayMs = 0;
    this.readyDelayMs = undefined;
    this.recommendedShards = undefined;
    this.#refusedUntil = 0;
    this.#resume.clear();
    this.#identify = undefined;
    this.#withheld.clear();
    this.#rest = [];
  }

  refuseConnections(forMs: number): void {
    this.#refusedUntil = now() + forMs;
  }

  get refusesConnections(): boolean {
    return now() < this.#refusedUntil;
  }

  refuseResume(shardId: number, resumable: boolean, times: number): void {
    this.#resume.set(shardId, { resumable, left: times });
  }

  takeResumeRefusal(shardId: number): { resumable: boolean } | undefined {
    const fault = this.#resume.get(shardId);
    return fault !== undefined && take(fault) ? { resumable: fault.resumable } : undefined;
  }

  withhold(shardId: number, what: Withheld, times: number): void {
    this.#withheld.set(shardId, { what, left: times });
  }

  /** What the shard's new connection does not get. */
  takeWithheld(shardId: number): Withheld | undefined {
    const fault = this.#withheld.get(shardId);
    return fault !== undefined && take(fault) ? fault.what : undefined;
  }

  closeOnIdentify(code: number, shardId: number | undefined, times: number): void {
    this.#identify = { code, shardId, left: times };
  }

  takeIdentifyClose(shardId: number): number | undefined {
    const fault = this.#identify;
    if (fault === undefined || (fault.shardId !== undefined && fault.shardId !== shardId)) return undefined;
    return take(fault) ? fault.code : undefined;
  }

  addRest(fault: RestFault): void {
    this.#rest.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  /** The faults that strike this request. Each is counted down. */
  takeRest(method: string, path: string): RestFault[] {
    if (this.#rest.length === 0) return [];
    const line = `${method} ${path}`;
    const striking = this.#rest.filter(({ fault }) => fault.route === undefined || line.includes(fault.route));
    const taken = striking.filter(take).map(({ fault }) => fault);
    this.#rest = this.#rest.filter((counted) => counted.left > 0);
    return taken;
  }
}

function take(counted: Counted): boolean {
  if (counted.left <= 0) return false;
  counted.left--;
  return true;
}
