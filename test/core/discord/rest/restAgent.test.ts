import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RestAgent } from '../../../../src/core/discord/rest/RestAgent.js';
import { CERTIFICATE, PRIVATE_KEY } from './certificate.js';

interface Answer {
  readonly status: number | undefined;
  readonly contentType: string | undefined;
  readonly body: string;
}

const cleanups: (() => Promise<unknown> | undefined)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(listener: http.RequestListener, tls = false): Promise<{ url: URL; sockets: () => number }> {
  const server = tls
    ? https.createServer({ cert: CERTIFICATE, key: PRIVATE_KEY }, listener)
    : http.createServer(listener);
  let sockets = 0;
  server.on(tls ? 'secureConnection' : 'connection', () => {
    sockets++;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`${tls ? 'https' : 'http'}://127.0.0.1:${port}/api`), sockets: () => sockets };
}

function agentFor(url: URL, options?: https.AgentOptions): RestAgent {
  const agent = new RestAgent(url, options);
  cleanups.push(() => void agent.destroy());
  return agent;
}

/** As a client that only knows `https.request` calls it: a host, no port, the agent. */
function request(agent: RestAgent, path = '/', options: https.RequestOptions = {}, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = https.request({ host: '127.0.0.1', path, agent, ...options });
    outgoing.once('error', reject);
    outgoing.once('response', (response) => {
      const contentType = response.headers['content-type'];
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.once('end', () => resolve({ status: response.statusCode, contentType, body: text }));
    });
    outgoing.end(body);
  });
}

const json: http.RequestListener = (_request, response) => {
  response.setHeader('content-type', 'application/json; charset=utf-8');
  response.end('{"ok":true}');
};

describe('RestAgent', () => {
  it('makes https.request reach a plain http server, method, path and body unchanged', async () => {
    const { url } = await serve((incoming, response) => {
      incoming.on('data', (chunk) => response.write(`${incoming.method} ${incoming.url} ${chunk}`));
      incoming.on('end', () => response.end());
    });
    const answer = await request(agentFor(url), '/api/v10/x?y=1', { method: 'POST' }, 'body');
    expect(answer.body).toBe('POST /api/v10/x?y=1 body');
  });

  it('sends the Host header of the real server, with its port', async () => {
    const { url } = await serve((incoming, response) => response.end(incoming.headers.host));
    expect((await request(agentFor(url), '/', { host: 'elsewhere.invalid' })).body).toBe(url.host);
  });

  it.each([
    ['application/json; charset=utf-8', 'application/json'],
    ['Application/JSON;charset=UTF-8', 'application/json'],
    ['application/json', 'application/json'],
    ['application/json-seq', 'application/json-seq'],
    ['text/html; charset=utf-8', 'text/html; charset=utf-8'],
  ])('shows the content type %s as %s', async (sent, seen) => {
    const { url } = await serve((_incoming, response) => {
      response.setHeader('content-type', sent);
      response.end('{}');
    });
    expect((await request(agentFor(url))).contentType).toBe(seen);
  });

  it('normalises the content type over https too, on a port of its own', async () => {
    const { url } = await serve(json, true);
    const answer = await request(agentFor(url, { ca: CERTIFICATE }));
    expect(answer).toEqual({ status: 200, contentType: 'application/json', body: '{"ok":true}' });
  });

  it('still checks certificates', async () => {
    const { url } = await serve(json, true);
    await expect(request(agentFor(url))).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  });

  it('reuses connections', async () => {
    const { url, sockets } = await serve(json);
    const agent = agentFor(url);
    for (let i = 0; i < 5; i++) await request(agent);
    expect(sockets()).toBe(1);
  });

  it('lets 300 requests at once through over a bounded number of connections', async () => {
    const { url, sockets } = await serve(json);
    const agent = agentFor(url);
    const answers = await Promise.all(Array.from({ length: 300 }, () => request(agent)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(sockets()).toBeLessThanOrEqual(128);
  });

  it('frees the connection of a response that nobody reads', async () => {
    const { url, sockets } = await serve(json);
    const agent = agentFor(url);
    await new Promise<void>((resolve) => {
      https.request({ host: '127.0.0.1', agent }).once('close', resolve).end();
    });
    await request(agent);
    expect(sockets()).toBe(1);
  });

  it('does not show the headers of a request that ends up in a log', async () => {
    const { url } = await serve(json);
    const outgoing = https.request({
      host: '127.0.0.1',
      agent: agentFor(url),
      headers: { Authorization: 'Bot s3cret' },
    });
    await new Promise((resolve) => outgoing.once('close', resolve).end());
    expect(inspect({ request: outgoing }, { depth: 5 })).not.toContain('s3cret');
    expect(JSON.stringify({ request: outgoing })).not.toContain('s3cret');
  });

  it('leaves no connection after destroy(), and fails further requests at once', async () => {
    const { url } = await serve((incoming, response) => {
      if (incoming.url !== '/hang') response.end();
    });
    const agent = agentFor(url, { maxSockets: 2 });
    const underWay = [
      request(agent, '/hang'),
      request(agent, '/hang'),
      request(agent, '/queued'),
      request(agent, '/queued'),
    ];
    const outcomes = Promise.allSettled(underWay);
    agent.destroy();
    expect((await outcomes).map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
    await expect(request(agent)).rejects.toThrow(/stopped/);
    await vi.waitFor(() => expect(Object.values(agent.sockets).flat()).toEqual([]), 10_000);
    expect(Object.values(agent.freeSockets).flat()).toEqual([]);
  });
});
