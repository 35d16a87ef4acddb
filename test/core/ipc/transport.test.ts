import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemoryTransport } from '../../../src/core/ipc/MemoryTransport.js';
import { SocketTransport } from '../../../src/core/ipc/SocketTransport.js';
import type { TransportLimits } from '../../../src/core/ipc/Transport.js';
import { Ear, transportConformance } from './transport.conformance.js';

async function listen(): Promise<{ path: string; accepted: Promise<Socket>; cleanUp: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'kallisti-test-'));
  const path = join(folder, 's');
  const server = createServer();
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const cleanUp = async (): Promise<void> => {
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  };
  return { path, accepted, cleanUp };
}

async function socketPair(): Promise<{ sockets: [Socket, Socket]; cleanUp: () => Promise<void> }> {
  const { path, accepted, cleanUp } = await listen();
  const left = createConnection(path);
  return { sockets: [left, await accepted], cleanUp };
}

transportConformance('MemoryTransport', async (limits) => {
  const [left, right] = MemoryTransport.pair(limits);
  return { left, right, cleanUp: () => Promise.resolve() };
});

transportConformance('SocketTransport, from the one that connected', async (limits: TransportLimits) => {
  const { path, accepted, cleanUp } = await listen();
  const left = await SocketTransport.connect(path, limits);
  return { left, right: new SocketTransport(await accepted, limits), cleanUp };
});

transportConformance('SocketTransport, to the one that connected', async (limits: TransportLimits) => {
  const { path, accepted, cleanUp } = await listen();
  const right = await SocketTransport.connect(path, limits);
  return { left: new SocketTransport(await accepted, limits), right, cleanUp };
});

describe('SocketTransport on the wire', () => {
  it('joins the messages of one turn into one write', async () => {
    const { sockets, cleanUp } = await socketPair();
    const transport = new SocketTransport(sockets[0]);
    const chunks: Buffer[] = [];
    const done = new Promise<void>((resolve) =>
      sockets[1].on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (Buffer.concat(chunks).length === 50 * (4 + 5)) resolve();
      }),
    );
    for (let index = 0; index < 25; index++) transport.send('hello');
    // Promise jobs belong to the same turn.
    await Promise.resolve();
    for (let index = 0; index < 25; index++) transport.send('world');
    await done;
    expect(chunks.length).toBe(1);
    transport.destroy();
    sockets[1].destroy();
    await cleanUp();
  });

  it('has room for a hundred messages of a megabyte under way, each sent when another came back', async () => {
    const { sockets, cleanUp } = await socketPair();
    const [left, right] = [new SocketTransport(sockets[0]), new SocketTransport(sockets[1])];
    const text = 'x'.repeat(1_000_000);
    let [sent, back, refused] = [0, 0, 0];
    const ear = new Ear();
    const send = (): void => {
      if (sent === 300) return;
      sent++;
      if (!left.send(text)) refused++;
    };
    right.listen({ message: (message) => void right.send(message), closed: () => undefined });
    left.listen({
      message: () => {
        back++;
        send();
        if (back === 300) ear.message('done');
      },
      closed: (error) => ear.closed(error),
    });
    for (let index = 0; index < 100; index++) send();
    await ear.until(() => ear.heard.length === 1 || refused > 0);
    expect({ back, refused }).toEqual({ back: 300, refused: 0 });
    left.destroy();
    right.destroy();
    await cleanUp();
  });

  it('understands frames that arrive byte by byte', async () => {
    const { sockets, cleanUp } = await socketPair();
    const transport = new SocketTransport(sockets[0]);
    const ear = new Ear();
    transport.listen(ear);
    const utf8 = Buffer.concat([Buffer.from([0, 0, 0, 3]), Buffer.from('€')]);
    const latin1 = Buffer.concat([Buffer.from([0x80, 0, 0, 2]), Buffer.from('aé', 'latin1')]);
    const frame = Buffer.concat([utf8, latin1, Buffer.from([0, 0, 0, 0])]);
    for (const byte of frame) {
      sockets[1].write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await ear.until(() => ear.heard.length === 3);
    expect(ear.heard).toEqual(['€', 'aé', '']);
    transport.destroy();
    sockets[1].destroy();
    await cleanUp();
  });

  it('fails to connect where nobody listens, with the error of the socket', async () => {
    const path = join(tmpdir(), 'kallisti-test-nobody.sock');
    await expect(SocketTransport.connect(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('cuts the other end off when it announces more than the limit, without allocating it', async () => {
    const { sockets, cleanUp } = await socketPair();
    const transport = new SocketTransport(sockets[0], { maxMessageBytes: 1000, maxQueueBytes: 1000 });
    const ear = new Ear();
    transport.listen(ear);
    sockets[1].write(Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3]));
    await ear.until(() => ear.closings === 1);
    expect(ear.error?.message).toMatch(/2147483647 bytes is larger than the 1000/);
    sockets[1].destroy();
    await cleanUp();
  });
});
