import { describe, expect, it } from 'vitest';
import { gatewayAddress } from '../../../src/cluster/gateway/gatewayAddress.js';
import { IdentifySlot } from '../../../src/cluster/gateway/IdentifySlot.js';
import { reconnectDelay } from '../../../src/cluster/gateway/Redial.js';
import { Redactor } from '../../../src/cluster/gateway/redact.js';
import { createOneShard, startSimulator } from './support.js';

describe('gatewayAddress', () => {
  it.each([
    ['wss://gateway.discord.gg', false, 'wss://gateway.discord.gg/?v=10&encoding=json'],
    [
      'wss://gateway.discord.gg/?v=9&encoding=etf',
      true,
      'wss://gateway.discord.gg/?v=10&encoding=json&compress=zlib-stream',
    ],
    ['ws://127.0.0.1:1/resume', false, 'ws://127.0.0.1:1/resume?v=10&encoding=json'],
  ])('%s (compress %s)', (url, compress, address) => {
    expect(gatewayAddress(url, compress)).toBe(address);
  });
});

describe('Redactor', () => {
  it('keeps a secret out of message, stack and thrown values, and does not pass on what hangs on an error', () => {
    const redactor = new Redactor('s3cret');
    const error = Object.assign(new TypeError('Bot s3cret is wrong'), { code: 50001, req: { token: 's3cret' } });
    expect(JSON.stringify(redactor.error(error))).not.toContain('s3cret');
    expect(redactor.error(error)).toMatchObject({ type: 'TypeError', message: 'Bot [token] is wrong', code: 50001 });
    expect(redactor.error('s3cret').message).toBe('[token]');
    expect(redactor.error({ deep: 's3cret' }).message).toBe("{ deep: '[token]' }");
    expect(redactor.error(undefined).message).toBe('undefined');
  });

  it('does nothing without a secret', () => {
    expect(new Redactor('').text('text')).toBe('text');
  });
});

describe('reconnectDelay', () => {
  it('is nothing at first, doubles up to its limit, and is spread by a quarter', () => {
    expect([0, 1, 2, 3, 4, 60].map((failures) => reconnectDelay(failures, 100, 1_000, () => 0.5))).toEqual([
      0, 100, 200, 400, 800, 1_000,
    ]);
    expect(reconnectDelay(1, 100, 1_000, () => 0)).toBe(75);
    expect(reconnectDelay(1, 100, 1_000, () => 1)).toBe(125);
  });
});

describe('IdentifySlot', () => {
  it('returns a slot once, as unused where no IDENTIFY was sent', () => {
    const slot = new IdentifySlot(60_000);
    const released: boolean[] = [];
    slot.hold({ release: (used) => void released.push(used) });
    expect(slot.isFree).toBe(true);
    slot.giveBack();
    slot.giveBack();
    expect(released).toEqual([false]);
    expect(slot.isFree).toBe(false);
  });

  it('allows one IDENTIFY per slot', () => {
    const slot = new IdentifySlot(60_000);
    const released: boolean[] = [];
    slot.hold({ release: (used) => void released.push(used) });
    slot.use();
    expect(slot.isFree).toBe(false);
    slot.giveBack();
    expect(released).toEqual([true]);
  });

  it('returns the slot that it held when it is given another', () => {
    const slot = new IdentifySlot(60_000);
    const released: string[] = [];
    slot.hold({ release: (used) => void released.push(`first ${used}`) });
    slot.hold({ release: (used) => void released.push(`second ${used}`) });
    slot.giveBack();
    expect(released).toEqual(['first false', 'second false']);
  });
});

it('works over a compressed gateway, and resumes there', async () => {
  const simulator = await startSimulator({ shardCount: 1 });
  const { gateway, states } = createOneShard(simulator, { clientOptions: { compress: true } });
  await gateway.connect();
  expect(gateway.client.options.compress).toBe(true);
  const sessions = gateway.release();
  await gateway.adopt();
  expect(sessions).toHaveLength(1);
  expect(states.at(-1)?.state).toBe('ready');
  expect(simulator.account.connections.map(({ query }) => query)).toEqual(
    Array(2).fill('v=10&encoding=json&compress=zlib-stream'),
  );
  expect(simulator.account.violations).toEqual([]);
});
