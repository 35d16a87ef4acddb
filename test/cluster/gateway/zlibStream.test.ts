import { constants, createDeflate, type Deflate } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import { ZlibStream } from '../../../src/cluster/gateway/ZlibStream.js';
import { until } from './support.js';

/** Compresses one payload after the other in one stream, as Discord does. */
function compressor(): (payload: string) => Promise<Buffer> {
  const deflate: Deflate = createDeflate({ flush: constants.Z_SYNC_FLUSH });
  onTestFinished(() => void deflate.destroy());
  const chunks: Buffer[] = [];
  deflate.on('data', (chunk: Buffer) => chunks.push(chunk));
  return async (payload) => {
    deflate.write(payload);
    await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, resolve));
    return Buffer.concat(chunks.splice(0));
  };
}

it('gives every payload whole and in order, small and large, in one message or several', async () => {
  const compress = compressor();
  const payloads = Array.from({ length: 300 }, (_, i) =>
    JSON.stringify({ i, text: 'ü'.repeat(i % 50 === 0 ? 400_000 : i) }),
  );
  const got: string[] = [];
  const errors: Error[] = [];
  const stream = new ZlibStream(
    (payload) => void got.push(payload),
    (error) => void errors.push(error),
  );
  onTestFinished(() => stream.close());
  for (const payload of payloads) {
    const data = await compress(payload);
    const cut = payload.length % 3 === 0 ? Math.floor(data.length / 2) : 0;
    if (cut > 0) stream.push(data.subarray(0, cut));
    stream.push(data.subarray(cut));
  }
  await until(() => expect(got).toHaveLength(payloads.length));
  expect(got).toEqual(payloads);
  expect(errors).toEqual([]);
});

it('says that it is damaged, and gives nothing that came after it was closed', async () => {
  const errors: Error[] = [];
  const got: string[] = [];
  const damaged = new ZlibStream(
    (payload) => void got.push(payload),
    (error) => void errors.push(error),
  );
  damaged.push(Buffer.from([1, 2, 3, 0, 0, 0xff, 0xff]));
  await until(() => expect(errors).toHaveLength(1));
  damaged.push(Buffer.from([0, 0, 0xff, 0xff]));
  damaged.close();

  const closed = new ZlibStream(
    (payload) => void got.push(payload),
    (error) => void errors.push(error),
  );
  closed.push(await compressor()('late'));
  closed.close();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(got).toEqual([]);
  expect(errors.length).toBeLessThanOrEqual(2);
});
