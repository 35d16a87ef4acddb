import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Hydration } from '../../../src/cluster/store/Hydration.js';
import { cacheOf } from './cacheOf.js';
import { Feed, OfflineClient, openStore, temporaryFolder } from './support.js';
import { ACTION_COUNT, type Step, World } from './World.js';

const number = fc.nat(1_000);
const step: fc.Arbitrary<Step> = fc.record({
  action: fc.nat(ACTION_COUNT - 1),
  guild: number,
  subject: number,
  value: number,
});
const history = fc.array(step, { minLength: 5, maxLength: 120 });

describe('a client that was filled from the store', () => {
  it('has cached what a client has that was there all the time, whatever happened', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.nat(120), async (steps, hydratedAfter) => {
        const folder = temporaryFolder();
        const { store: writing } = await openStore(folder, { commitDelayMs: 0 });
        const { store: reading } = await openStore(folder);
        await writing.takeOver();
        const stock = new OfflineClient();
        const hydrated = new OfflineClient();
        const hydration = new Hydration(hydrated, reading);
        const world = new World();
        const feed = new Feed(writing, stock.handle);
        feed.ready();

        for (const [index, next] of [{ action: 0, guild: 0, subject: 0, value: 1 }, ...steps].entries()) {
          for (const { t, d } of world.step(next)) feed.dispatch(t, d);
          if (index !== hydratedAfter) continue;
          await writing.commit();
          await hydration.run();
          expect(cacheOf(hydrated.client)).toEqual(cacheOf(stock.client));
        }
        await writing.release();
        if (hydratedAfter > steps.length) await hydration.run();
        await reading.takeOver();
        await hydration.refresh();

        expect(cacheOf(hydrated.client)).toEqual(cacheOf(stock.client));
        expect(hydrated.events).toEqual([]);
        expect(hydrated.client.user.id).toBe(stock.client.user.id);
        await Promise.all([writing.close(), reading.close()]);
      }),
      { numRuns: 300 },
    );
  });
});
