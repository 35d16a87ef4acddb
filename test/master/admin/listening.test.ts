import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AdminAddress } from '../../../src/core/contracts/adminAddress.js';
import { ConfigError } from '../../../src/core/errors.js';
import { scrub } from '../../../src/core/log/secrets.js';
import { rejection } from '../../support/processes.js';
import { World } from './World.js';

let world: World | undefined;
let taken: Server;
let takenPort = 0;
beforeEach(async () => {
  taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  takenPort = (taken.address() as { port: number }).port;
});
afterEach(async () => {
  await world?.stop();
  world = undefined;
  await new Promise((resolve) => taken.close(resolve));
});

describe('the port', () => {
  it('is another where that of the default is taken, and the log and admin.json say which', async () => {
    world = await World.start({ config: { port: takenPort, portIsDefault: true } });
    expect(world.port).not.toBe(takenPort);
    expect((await world.call('/healthz')).status).toBe(200);
    expect(world.messages()).toContain(`ADMIN_PORT ${takenPort} is taken, so another is used`);
    const file = join(world.dataDir, 'admin.json');
    const address = JSON.parse(readFileSync(file, 'utf8')) as AdminAddress;
    expect(address).toEqual({ url: world.url, pid: process.pid, version: '0.1.0' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await world.admin.stop();
    expect(existsSync(file)).toBe(false);
  });

  it('that somebody has chosen and that is taken is an error of one line', async () => {
    world = new World({ config: { port: takenPort } });
    const error = await rejection(world.admin.start());
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toBe(
      `ADMIN_PORT is ${takenPort}, which another program uses; choose another, or 0 for any that is free`,
    );
    expect(existsSync(join(world.dataDir, 'admin.json'))).toBe(false);
  });

  it('of an address that is not ours is one, too', async () => {
    world = new World({ config: { host: '203.0.113.1' } });
    expect((await rejection(world.admin.start())).message).toBe(
      'ADMIN_HOST is 203.0.113.1, which is no address of this machine',
    );
  });

  it('open to all is reached by an address of this machine', async () => {
    world = await World.start({ config: { host: '0.0.0.0' } });
    expect(world.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await world.call('/healthz')).status).toBe(200);
  });
});

describe('the token', () => {
  it('is made once, kept for the user alone, and hidden wherever it turns up', async () => {
    world = await World.start({ config: { token: undefined } });
    const file = join(world.dataDir, 'admin-token');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const token = readFileSync(file, 'utf8').trim();
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(scrub(`it is ${token}.`)).toBe('it is [redacted].');
    expect((await world.call('/api/status', { token })).status).toBe(200);
    expect((await world.call('/api/status')).status).toBe(401);
    expect(JSON.stringify(world.log.lines)).not.toContain(token);

    await world.admin.stop();
    chmodSync(file, 0o644);
    const next = new World({ config: { token: undefined } });
    writeFileSync(join(next.dataDir, 'admin-token'), `${token}\n`, { mode: 0o644 });
    await next.admin.start();
    expect((await next.call('/api/status', { token })).status).toBe(200);
    expect(statSync(join(next.dataDir, 'admin-token')).mode & 0o777).toBe(0o600);
    await next.stop();
  });

  it('is made anew where a full disk has cut it short', async () => {
    world = new World({ config: { token: undefined } });
    writeFileSync(join(world.dataDir, 'admin-token'), 'abc');
    await world.admin.start();
    expect(readFileSync(join(world.dataDir, 'admin-token'), 'utf8').trim()).toHaveLength(43);
  });
});
