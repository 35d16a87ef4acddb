import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import type { LiveStatus, StatusHistory } from '../../../src/core/contracts/AdminApi.js';
import { EventStream } from '../../../src/master/admin/EventStream.js';
import type { LogBook } from '../../../src/master/admin/LogBook.js';
import { memoryLogger } from '../../support/memoryLogger.js';

it('ends at once if the login ended between its check and the stream', async () => {
  const stream = new EventStream({
    collect: async () => ({}) as LiveStatus,
    history: () => ({}) as StatusHistory,
    logs: {} as LogBook,
    logger: memoryLogger().logger,
  });
  const server = createServer((_request, response) => {
    const login = { ended: AbortSignal.abort(), expiresAt: Number.POSITIVE_INFINITY };
    void stream.view(response, { headers: {}, logs: undefined, login });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    expect(await response.text()).toBe('retry: 2000\n\n');
    await expect.poll(() => stream.viewers).toBe(0);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}, 10_000);
