import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from 'eris';
import { describe, expect, it } from 'vitest';
import { restOptions } from '../../../../src/core/discord/rest/restOptions.js';

describe('restOptions', () => {
  it.each([
    ['https://discord.com/api', 'discord.com', '/api/v10', 443],
    ['https://discord.com/api/', 'discord.com', '/api/v10', 443],
    ['https://discord.com', 'discord.com', '/api/v10', 443],
    ['https://discord.com/api/v9', 'discord.com', '/api/v9', 443],
    ['http://127.0.0.1:4000/api', '127.0.0.1', '/api/v10', 4000],
    ['http://localhost', 'localhost', '/api/v10', 80],
    ['http://host:1/proxy/api', 'host', '/proxy/api/v10', 1],
    ['https://host:8443/proxy/api/v10/', 'host', '/proxy/api/v10', 8443],
    ['http://[::1]:4000/api', '::1', '/api/v10', 4000],
  ])('%s: host %s, path %s, port %i', (url, domain, baseURL, port) => {
    const options = restOptions(url);
    expect(options).toMatchObject({ domain, baseURL });
    expect(options.agent.defaultPort).toBe(port);
  });

  it.each(['ftp://host/api', 'discord.com/api', ''])('refuses %j', (url) => {
    expect(() => restOptions(url)).toThrow(TypeError);
  });

  it('makes a stock eris client read JSON from a plain http server that names a charset', async () => {
    const paths: string[] = [];
    const server = http.createServer((request, response) => {
      paths.push(`${request.method} ${request.url}`);
      response.setHeader('content-type', 'application/json; charset=utf-8');
      if (request.url?.endsWith('/gateway')) return response.end('{"url":"ws://somewhere"}');
      response.statusCode = 403;
      return response.end('{"code":50001,"message":"Missing Access"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const rest = restOptions(`http://127.0.0.1:${(server.address() as AddressInfo).port}/proxy/api`);
    const client = new Client('Bot token', { intents: 0, restMode: true, rest });

    await expect(client.getGateway()).resolves.toEqual({ url: 'ws://somewhere' });
    await expect(client.getRESTChannel('1')).rejects.toMatchObject({
      name: expect.stringContaining('50001'),
      code: 50001,
    });
    expect(paths).toEqual(['GET /proxy/api/v10/gateway', 'GET /proxy/api/v10/channels/1']);

    rest.agent.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});
