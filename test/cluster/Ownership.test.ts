import { describe, expect, it } from 'vitest';
import { Ownership } from '../../src/cluster/Ownership.js';

function setUp() {
  const errors: unknown[] = [];
  const events: string[] = [];
  const ownership = new Ownership((error) => errors.push(error));
  const listen = (name: string) =>
    ownership.whileOwned((signal) => {
      events.push(`${name} starts`);
      signal.addEventListener('abort', () => events.push(`${name} stops`));
    });
  return { ownership, events, errors, listen };
}

describe('what runs while the shards are owned', () => {
  it('starts when they are gained and stops when they are lost, however often', () => {
    const { ownership, events, listen } = setUp();
    listen('a');
    expect(events).toEqual([]);
    for (let round = 0; round < 2; round++) {
      ownership.gained();
      ownership.gained();
      ownership.lost();
      ownership.lost();
    }
    expect(events).toEqual(['a starts', 'a stops', 'a starts', 'a stops']);
  });

  it('starts at once where they are owned already', () => {
    const { ownership, events, listen } = setUp();
    ownership.gained();
    listen('a');
    expect(events).toEqual(['a starts']);
  });

  it('is not kept from starting by another that throws', () => {
    const { ownership, events, errors, listen } = setUp();
    ownership.whileOwned(() => {
      throw new Error('no');
    });
    listen('a');
    ownership.gained();
    expect([events, errors]).toEqual([['a starts'], [new Error('no')]]);
  });
});
