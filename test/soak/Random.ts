import { Random as SimulatorRandom } from '../../src/simulator/world/Random.js';

/** What a soak test chooses. The same seed gives the same choices. */
export class Random extends SimulatorRandom {
  public override pick<Item>(items: readonly Item[]): Item {
    const item = super.pick(items);
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /** Two of them, not the same. */
  public pair<Item>(items: readonly Item[]): readonly [Item, Item] {
    const first = this.pick(items);
    return [first, this.pick(items.filter((item) => item !== first))];
  }

  /** One of them. `weight` says how often it comes, against the others. */
  public weighted<Item extends { readonly weight: number }>(items: readonly Item[]): Item {
    return this.pick(items.flatMap((item) => Array<Item>(item.weight).fill(item)));
  }
}
