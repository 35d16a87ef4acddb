import { interleave, ratios, spread } from '../measure.js';
import type { Row } from '../Suite.js';
import { BareFork } from './BareFork.js';
import { BareSocket } from './BareSocket.js';
import type { Contender } from './Contender.js';
import { Ours } from './Ours.js';

const WORKERS = 16;
const COUNT = 1_000;
const ROUNDS = 31;

/** `requestAll` against a loop over as many `send`s that waits for as many answers. */
export async function broadcasting(progress: (what: string) => void): Promise<readonly Row[]> {
  const what = `requestAll, ${WORKERS} workers`;
  progress(what);
  const contenders = {
    ours: await Ours.start(WORKERS),
    fork: await BareFork.start(WORKERS),
    socket: await BareSocket.start(WORKERS),
  } satisfies Record<string, Contender>;
  const payload = 'x'.repeat(100);
  const measure = async (contender: Contender): Promise<number> => {
    return ((await contender.broadcast(payload, COUNT)) / COUNT) * 1_000;
  };
  const { ours, fork, socket } = await interleave(ROUNDS, {
    ours: () => measure(contenders.ours),
    fork: () => measure(contenders.fork),
    socket: () => measure(contenders.socket),
  });
  await Promise.all(Object.values(contenders).map((contender) => contender.stop()));
  const shared = { unit: 'us', reference: spread(fork) };
  return [
    {
      what,
      ...shared,
      ours: spread(ours),
      ratio: ratios(ours, fork),
      target: { is: 'at most', value: 1.25, of: 'ratio' },
    },
    { what: '  bare socket', ...shared, ours: spread(socket), ratio: ratios(socket, fork) },
  ];
}
