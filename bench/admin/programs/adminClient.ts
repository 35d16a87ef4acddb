import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export type ClientOrder =
  /** Requests a path `rounds` times, a second apart, so that each request makes the master ask all clusters. */
  | { readonly kind: 'time'; readonly path: string; readonly rounds: number }
  /** Opens event streams, and reads them. */
  | { readonly kind: 'view'; readonly count: number }
  /** Asks how much the event streams have brought. */
  | { readonly kind: 'count' };

export interface ClientReport {
  readonly ms: readonly number[];
  readonly text: string;
  readonly bytesPerSecond: number;
}

const [, , url = '', authorization = ''] = process.argv;
let bytes = 0;
let viewedSince = 0;

async function open(path: string): Promise<IncomingMessage> {
  const call = request(url + path, { agent: false, headers: { authorization } });
  call.end();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return response;
}

async function time(path: string, rounds: number): Promise<Pick<ClientReport, 'ms' | 'text'>> {
  const ms: number[] = [];
  let text = '';
  for (let round = 0; round <= rounds; round++) {
    await sleep(1_050);
    const startedAt = performance.now();
    const chunks: Buffer[] = [];
    for await (const chunk of await open(path)) chunks.push(chunk as Buffer);
    // In the first one everything is compiled.
    if (round > 0) ms.push(performance.now() - startedAt);
    text = Buffer.concat(chunks).toString();
  }
  return { ms, text };
}

async function view(count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async () => {
      const response = await open('/api/events');
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      await once(response, 'data');
    }),
  );
  await sleep(1_000);
  bytes = 0;
  viewedSince = performance.now();
}

process.on('message', async (order: ClientOrder) => {
  const nothing: ClientReport = { ms: [], text: '', bytesPerSecond: 0 };
  if (order.kind === 'time') process.send?.({ ...nothing, ...(await time(order.path, order.rounds)) });
  if (order.kind === 'view') process.send?.(await view(order.count).then(() => nothing));
  if (order.kind === 'count') {
    process.send?.({ ...nothing, bytesPerSecond: (bytes * 1000) / (performance.now() - viewedSince) });
  }
});
process.once('disconnect', () => process.exit());
