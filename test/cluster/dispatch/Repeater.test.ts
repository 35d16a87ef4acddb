import { describe, expect, it } from 'vitest';
import { Repeater } from '../../../src/cluster/dispatch/Repeater.js';
import type { Repetition } from '../../../src/cluster/store/DispatchJournal.js';
import { ManualClock } from '../../support/ManualClock.js';
import { testDispatch } from './support.js';

class World {
  public readonly clock = new ManualClock();
  public readonly ran: string[] = [];
  public left: Repetition[] = [];
  public isMoreToCome = false;
  readonly #ends: (() => void)[] = [];

  public readonly repeater = new Repeater({
    take: () => this.left.splice(0),
    isMoreToCome: () => this.isMoreToCome,
    run: ({ dispatch }) => {
      this.ran.push(dispatch.facts.id);
      dispatch.hold(new Promise<void>((resolve) => this.#ends.push(resolve)));
    },
    clock: this.clock,
  });

  public leave(count: number, type = 'MESSAGE_CREATE'): void {
    for (let index = 0; index < count; index++) {
      const dispatch = testDispatch({ id: `${type} ${index}`, type, at: -index });
      this.left.push({ packet: { op: 0 }, dispatch, ran: () => {} });
    }
  }

  public async finishAll(): Promise<void> {
    for (const end of this.#ends.splice(0)) end();
    await Promise.resolve();
    await Promise.resolve();
  }
}

describe('what others have left', () => {
  it('is done again a few at a time, interactions first, then the oldest', async () => {
    const world = new World();
    world.leave(20);
    world.leave(2, 'INTERACTION_CREATE');
    world.repeater.start();
    expect(world.ran).toHaveLength(10);
    expect(world.ran.slice(0, 3)).toEqual(['INTERACTION_CREATE 1', 'INTERACTION_CREATE 0', 'MESSAGE_CREATE 19']);
    await world.clock.advance(1_000);
    expect(world.ran).toHaveLength(10);
    await world.finishAll();
    await world.clock.advance(1_000);
    expect(world.ran).toHaveLength(20);
    await world.finishAll();
    await world.clock.advance(1_000);
    expect(world.ran).toHaveLength(22);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('is looked for as long as another process may leave something', async () => {
    const world = new World();
    world.isMoreToCome = true;
    world.repeater.start();
    await world.clock.advance(5_000);
    world.leave(1);
    world.isMoreToCome = false;
    await world.clock.advance(500);
    expect(world.ran).toEqual(['MESSAGE_CREATE 0']);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('is not touched any more after a stop', async () => {
    const world = new World();
    world.leave(15);
    world.repeater.start();
    world.repeater.stop();
    await world.finishAll();
    await world.clock.advance(5_000);
    expect(world.ran).toHaveLength(10);
    expect(world.clock.pendingTimers).toBe(0);
  });
});
