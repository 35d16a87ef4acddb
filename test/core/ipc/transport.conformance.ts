import { afterEach, describe, expect, it } from 'vitest';
import type { Transport, TransportLimits } from '../../../src/core/ipc/Transport.js';

export interface TransportPair {
  readonly left: Transport;
  readonly right: Transport;
  /** Removes what the pair needed besides the two transports. */
  cleanUp(): Promise<void>;
}

/** Collects what one end hears. */
export class Ear {
  public readonly heard: string[] = [];
  public closings = 0;
  public error: Error | undefined;
  #waiting: (() => void)[] = [];

  public message(text: string): void {
    this.heard.push(text);
    this.#wake();
  }

  public closed(error?: Error): void {
    this.closings++;
    this.error = error;
    this.#wake();
  }

  public async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** What every transport must do; each implementation runs it. */
export function transportConformance(
  name: string,
  makePair: (limits: TransportLimits) => Promise<TransportPair>,
): void {
  describe(name, () => {
    let pair: TransportPair;
    const open = async (limits: Partial<TransportLimits> = {}) => {
      pair = await makePair({ maxMessageBytes: 64 * 1024 * 1024, maxQueueBytes: 64 * 1024 * 1024, ...limits });
      return pair;
    };

    afterEach(async () => {
      pair.left.destroy();
      pair.right.destroy();
      await pair.cleanUp();
    });

    it('delivers every text once, in order, both ways', async () => {
      const { left, right } = await open();
      const [leftEar, rightEar] = [new Ear(), new Ear()];
      left.listen(leftEar);
      right.listen(rightEar);
      const texts = Array.from({ length: 1000 }, (_, index) => `text ${index} ${'x'.repeat(index % 97)}`);
      for (const text of texts) expect(left.send(text)).toBe(true);
      for (const text of texts) expect(right.send(text)).toBe(true);
      await rightEar.until(() => rightEar.heard.length === texts.length);
      await leftEar.until(() => leftEar.heard.length === texts.length);
      expect(rightEar.heard).toEqual(texts);
      expect(leftEar.heard).toEqual(texts);
    });

    it('keeps sizes from empty to many megabytes, and every character', async () => {
      const { left, right } = await open();
      const ear = new Ear();
      right.listen(ear);
      const large = ['é'.repeat(20_000), '€'.repeat(16_384), `${'é'.repeat(16_000)}€`];
      const texts = ['', 'a', 'é', 'ü€😀\u0000\n', ...large, 'z'.repeat(16_384), 'y'.repeat(5_000_000), 'end'];
      for (const text of texts) left.send(text);
      await ear.until(() => ear.heard.length === texts.length);
      expect(ear.heard.map((text) => text.length)).toEqual(texts.map((text) => text.length));
      expect(ear.heard).toEqual(texts);
    });

    it('never delivers in the turn in which it was sent', async () => {
      const { left, right } = await open();
      const ear = new Ear();
      right.listen(ear);
      left.send('later');
      expect(ear.heard).toEqual([]);
      await ear.until(() => ear.heard.length === 1);
    });

    it('holds what comes before anybody listens', async () => {
      const { left, right } = await open();
      left.send('early');
      await left.flush();
      const ear = new Ear();
      right.listen(ear);
      left.send('late');
      await ear.until(() => ear.heard.length === 2);
      expect(ear.heard).toEqual(['early', 'late']);
    });

    it('hands the next message to a listener that was set while handling one', async () => {
      const { left, right } = await open();
      const [first, second] = [new Ear(), new Ear()];
      right.listen({
        message: (text) => {
          first.message(text);
          right.listen(second);
        },
        closed: () => first.closed(),
      });
      left.send('hello');
      left.send('after');
      await second.until(() => second.heard.length === 1);
      expect([first.heard, second.heard]).toEqual([['hello'], ['after']]);
    });

    it('delivers what was sent before an orderly close, then says closed once on both ends', async () => {
      const { left, right } = await open();
      const [leftEar, rightEar] = [new Ear(), new Ear()];
      left.listen(leftEar);
      right.listen(rightEar);
      left.send('x'.repeat(3_000_000));
      left.send('last words');
      await left.close();
      await rightEar.until(() => rightEar.closings > 0);
      expect(rightEar.heard.at(-1)).toBe('last words');
      await left.close();
      left.destroy();
      expect([leftEar.closings, rightEar.closings]).toEqual([1, 1]);
    });

    it('says closed on the other end when one is destroyed, and sends nothing any more', async () => {
      const { left, right } = await open();
      const [leftEar, rightEar] = [new Ear(), new Ear()];
      left.listen(leftEar);
      right.listen(rightEar);
      left.destroy();
      await rightEar.until(() => rightEar.closings === 1);
      await leftEar.until(() => leftEar.closings === 1);
      expect(left.send('too late')).toBe(false);
      await left.flush();
    });

    it('refuses to queue more than its limit, and takes more when the reader has caught up', async () => {
      const { left, right } = await open({ maxQueueBytes: 1_000_000 });
      const text = 'x'.repeat(100_000);
      let accepted = 0;
      // The other end does not listen: what the system buffers in between is extra, and bounded too.
      for (let round = 0; round < 100; round++) {
        if (left.send(text)) accepted++;
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(accepted).toBeGreaterThan(5);
      expect(accepted).toBeLessThan(40);
      expect(left.send('urgent', true)).toBe(true);
      const ear = new Ear();
      right.listen(ear);
      await ear.until(() => ear.heard.length === accepted + 1);
      expect(left.send(text)).toBe(true);
      await ear.until(() => ear.heard.length === accepted + 2);
    });
  });
}
