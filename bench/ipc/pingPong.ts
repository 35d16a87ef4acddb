import { interleave, ratios, spread } from '../measure.js';
import type { Row, Target } from '../Suite.js';
import { BareFork } from './BareFork.js';
import { BareSocket } from './BareSocket.js';
import type { Contender } from './Contender.js';
import { Ours } from './Ours.js';

interface Case {
  readonly what: string;
  readonly bytes: number;
  readonly inFlight: number;
  /** Messages a round. */
  readonly count: number;
  readonly rounds: number;
  readonly target: Target;
}

const CASES: readonly Case[] = [
  { what: '1 in flight, 100 B', bytes: 100, inFlight: 1, count: 4_000, rounds: 15, target: atMost(1.15) },
  { what: '100 in flight, 100 B', bytes: 100, inFlight: 100, count: 20_000, rounds: 15, target: atLeast(1.5) },
  { what: '100 in flight, 10 kB', bytes: 10_000, inFlight: 100, count: 4_000, rounds: 15, target: atLeast(0.75) },
  { what: '100 in flight, 1 MB', bytes: 1_000_000, inFlight: 100, count: 200, rounds: 7, target: atLeast(0.9) },
];

/** A request to one worker and back: its time with one in flight, the rate with a hundred. */
export async function pingPong(progress: (what: string) => void): Promise<readonly Row[]> {
  const contenders = {
    ours: await Ours.start(1),
    fork: await BareFork.start(1),
    socket: await BareSocket.start(1),
  } satisfies Record<string, Contender>;
  const rows: Row[] = [];
  for (const { what, bytes, inFlight, count, rounds, target } of CASES) {
    progress(what);
    const payload = 'x'.repeat(bytes);
    const measure = async (contender: Contender): Promise<number> => {
      const ms = await contender.pingPong(payload, inFlight, count);
      return target.is === 'at most' ? (ms / count) * 1_000 : count / (ms / 1_000);
    };
    const { ours, fork, socket } = await interleave(rounds, {
      ours: () => measure(contenders.ours),
      fork: () => measure(contenders.fork),
      socket: () => measure(contenders.socket),
    });
    const shared = { unit: target.is === 'at most' ? 'us' : '/s', reference: spread(fork) };
    rows.push({ what, ...shared, ours: spread(ours), ratio: ratios(ours, fork), target });
    rows.push({ what: '  bare socket', ...shared, ours: spread(socket), ratio: ratios(socket, fork) });
  }
  await Promise.all(Object.values(contenders).map((contender) => contender.stop()));
  return rows;
}

function atMost(value: number): Target {
  return { is: 'at most', value, of: 'ratio' };
}

function atLeast(value: number): Target {
  return { is: 'at least', value, of: 'ratio' };
}
