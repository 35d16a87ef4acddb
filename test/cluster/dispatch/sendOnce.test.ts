import { describe, expect, it } from 'vitest';
import type { RestRequest } from '../../../src/cluster/clients/ClientAdapter.js';
import type { Dispatch, DispatchOutcome } from '../../../src/cluster/dispatch/Dispatch.js';
import { asFramework, inRun, Run } from '../../../src/cluster/dispatch/Run.js';
import { sendOnce } from '../../../src/cluster/dispatch/sendOnce.js';
import { testDispatch } from './support.js';

const MESSAGES = '/channels/11/messages';
const CALLBACK = '/interactions/7/a.token/callback?with_response=true';
const ALREADY_ACKNOWLEDGED = Object.assign(new Error('Interaction has already been acknowledged.'), { code: 40060 });

/** What Discord was sent, and what it answers: the number of the request, or an error. */
class Desk {
  public readonly sent: RestRequest[] = [];
  public failWith: Error | undefined;

  public readonly send = async (request: RestRequest): Promise<unknown> => {
    this.sent.push(request);
    const error = this.failWith;
    this.failWith = undefined;
    if (error !== undefined) throw error;
    return { id: String(this.sent.length) };
  };

  public get nonces(): unknown[] {
    return this.sent.map(({ body }) => (body as { nonce?: unknown }).nonce);
  }
}

const post = (path: string, body: unknown = { content: 'text' }): RestRequest => ({ method: 'POST', path, body });

/** What one listener does in one attempt. */
async function attempt(
  desk: Desk,
  number: number,
  work: (send: (request: RestRequest) => Promise<unknown>) => Promise<unknown>,
  { part = 0, known = {} }: { part?: number; known?: DispatchOutcome } = {},
): Promise<Dispatch> {
  const dispatch = testDispatch({ attempt: number }, { known });
  await inRun(new Run(dispatch, part), () => work((request) => sendOnce(request, desk.send)));
  return dispatch;
}

describe('a request that belongs to no dispatch', () => {
  it('is sent as it is', async () => {
    const desk = new Desk();
    const request = post(MESSAGES);
    expect(await sendOnce(request, desk.send)).toEqual({ id: '1' });
    expect(desk.sent).toEqual([request]);
  });
});

describe('a message', () => {
  const two = async (send: (request: RestRequest) => Promise<unknown>) => {
    await send(post(MESSAGES));
    await new Promise((resolve) => setTimeout(resolve, 1));
    await send(post(MESSAGES, { content: 'another text' }));
  };

  it('has the same nonce in every attempt, and another than any other message', async () => {
    const desk = new Desk();
    await attempt(desk, 1, two);
    await attempt(desk, 2, two);
    await attempt(desk, 2, two, { part: 1 });
    const [a, b, c, d, e, f] = desk.nonces;
    expect([a, b]).toEqual([c, d]);
    expect(new Set([a, b, e, f]).size).toBe(4);
    expect(desk.sent.every(({ body }) => (body as { enforce_nonce: boolean }).enforce_nonce)).toBe(true);
    expect(String(a)).toMatch(/^.{25}$/);
  });

  it('has it also where a timer or a callback sends it', async () => {
    const desk = new Desk();
    const byTimer = (send: (request: RestRequest) => Promise<unknown>) =>
      new Promise((resolve) => setTimeout(() => resolve(send(post(MESSAGES))), 1));
    await attempt(desk, 1, byTimer);
    await attempt(desk, 2, byTimer);
    expect(desk.nonces[0]).toBe(desk.nonces[1]);
    expect(desk.nonces[0]).toBeTypeOf('string');
  });

  it('keeps a nonce that the bot has chosen', async () => {
    const desk = new Desk();
    await attempt(desk, 1, (send) => send(post(MESSAGES, { content: 'text', nonce: 'own' })));
    expect(desk.sent).toEqual([post(MESSAGES, { content: 'text', nonce: 'own' })]);
  });
});

describe('an answer to an interaction', () => {
  const reply = (send: (request: RestRequest) => Promise<unknown>) =>
    send(post(CALLBACK, { type: 4, data: { content: 'hello', flags: 64 } }));

  it('is noted as sent before it is, and as confirmed when Discord has it', async () => {
    const seen: string[] = [];
    const dispatch = testDispatch();
    await inRun(new Run(dispatch, 0), () =>
      sendOnce(post(CALLBACK, { type: 5 }), async () => void seen.push(dispatch.acknowledgement)),
    );
    expect([...seen, dispatch.acknowledgement]).toEqual(['sent', 'confirmed']);
  });

  it('becomes an edit of the one that is there, where an earlier attempt may have sent one', async () => {
    const desk = new Desk();
    desk.failWith = ALREADY_ACKNOWLEDGED;
    let answer: unknown;
    await attempt(desk, 2, async (send) => (answer = await reply(send)), { known: { acknowledgement: 'sent' } });
    const edit = { method: 'PATCH', path: '/webhooks/900/a.token/messages/@original', body: { content: 'hello' } };
    expect(desk.sent).toMatchObject([{ method: 'POST' }, edit]);
    expect(answer).toEqual({ interaction: { id: '7', type: 2 }, resource: { type: 4, message: { id: '2' } } });
  });

  it('becomes an edit at once, where Discord has confirmed an earlier one', async () => {
    const desk = new Desk();
    await attempt(desk, 2, reply, { known: { acknowledgement: 'confirmed' } });
    expect(desk.sent).toMatchObject([{ method: 'PATCH' }]);
  });

  it('is not sent again where it was a deferral', async () => {
    const desk = new Desk();
    await attempt(desk, 2, (send) => send(post(CALLBACK, { type: 5 })), { known: { acknowledgement: 'confirmed' } });
    expect(desk.sent).toEqual([]);
  });

  it('that Discord refuses in the first attempt, or for another reason, fails', async () => {
    const desk = new Desk();
    desk.failWith = ALREADY_ACKNOWLEDGED;
    await expect(attempt(desk, 1, reply)).rejects.toBe(ALREADY_ACKNOWLEDGED);
    const other = Object.assign(new Error('Unknown interaction'), { code: 10062 });
    desk.failWith = other;
    await expect(attempt(desk, 2, reply)).rejects.toBe(other);
  });
});

describe('any other POST', () => {
  const followUp = (send: (request: RestRequest) => Promise<unknown>) => send(post('/webhooks/900/a.token'));

  it('is not sent again once it was answered', async () => {
    const desk = new Desk();
    const first = await attempt(desk, 1, followUp);
    let again: unknown;
    await attempt(desk, 2, async (send) => (again = await followUp(send)), { known: { answers: [...first.answers] } });
    expect(desk.sent).toHaveLength(1);
    expect(again).toEqual({ id: '1' });
  });

  it('is sent again where it failed', async () => {
    const desk = new Desk();
    desk.failWith = new Error('the connection broke');
    await expect(attempt(desk, 1, followUp)).rejects.toThrow('the connection broke');
    await attempt(desk, 2, followUp);
    expect(desk.sent).toHaveLength(2);
  });
});

describe('a request of the framework', () => {
  it('is sent as it is: the framework answers once by itself', async () => {
    const desk = new Desk();
    const dispatch = await attempt(desk, 2, (send) => asFramework(() => send(post(MESSAGES))));
    expect(desk.sent).toEqual([post(MESSAGES)]);
    expect(dispatch.hasActed).toBe(true);
  });
});
