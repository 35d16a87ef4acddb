import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DiscordApi, DiscordRequestError } from '../../../src/master/discord/DiscordApi.js';
import { editorOf, ProgressMessage } from '../../../src/master/restart/ProgressMessage.js';
import { Simulator } from '../../../src/simulator/index.js';
import { ManualClock } from '../../support/ManualClock.js';
import { memoryLogger } from '../../support/memoryLogger.js';

/** Each edit takes `editMs`; `fail` says which of them (counted from 1) go wrong, and how. */
function setUp({ editMs = 100, fail = (_edit: number): Error | undefined => undefined } = {}) {
  const clock = new ManualClock();
  const log = memoryLogger();
  const startedAt = clock.now();
  const edits: [atMs: number, text: string][] = [];
  let underWay = 0;
  let mostUnderWay = 0;
  const message = new ProgressMessage({
    clock,
    logger: log.logger,
    edit: async (text) => {
      edits.push([clock.now() - startedAt, text]);
      const error = fail(edits.length);
      mostUnderWay = Math.max(mostUnderWay, ++underWay);
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, editMs));
      underWay--;
      if (error !== undefined) throw error;
    },
  });
  return { clock, log, edits, message, mostUnderWay: () => mostUnderWay };
}

const refusal = (status: number): Error =>
  new DiscordRequestError('host', 'editing', { reason: `${status}`, status, cause: new Error('cause') });

describe('ProgressMessage', () => {
  it('shows the first text at once, then the latest about once a second', async () => {
    const { clock, edits, message } = setUp();
    for (let i = 0; i < 25; i++) {
      message.update(`text ${i}`);
      await clock.advance(100);
    }
    await clock.advance(5000);
    expect(edits).toEqual([
      [0, 'text 0'],
      [1000, 'text 9'],
      [2000, 'text 19'],
      [3000, 'text 24'],
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('has one edit under way at most, however slow Discord is', async () => {
    const { clock, edits, message, mostUnderWay } = setUp({ editMs: 3000 });
    for (let i = 0; i < 50; i++) {
      message.update(`text ${i}`);
      await clock.advance(100);
    }
    const finished = message.finish('end');
    await clock.advance(20_000);
    await finished;
    expect(mostUnderWay()).toBe(1);
    expect(edits.at(-1)?.[1]).toBe('end');
  });

  it('does not send what is shown already', async () => {
    const { clock, edits, message } = setUp();
    message.update('same');
    await clock.advance(2000);
    message.update('same');
    await clock.advance(2000);
    await message.finish('same');
    expect(edits).toHaveLength(1);
  });

  it('ends with the last text, at once, and takes no more after it', async () => {
    const { clock, edits, message } = setUp();
    message.update('1 of 2');
    await clock.advance(200);
    message.update('2 of 2');
    const finished = message.finish('done');
    message.update('too late');
    await clock.advance(100);
    await finished;
    await message.finish('again');
    await clock.advance(5000);
    expect(edits).toEqual([
      [0, '1 of 2'],
      [200, 'done'],
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('logs the first failure only, and shows later texts all the same', async () => {
    const { clock, log, edits, message } = setUp({ fail: (edit) => (edit <= 2 ? refusal(500) : undefined) });
    for (const text of ['a', 'b', 'c']) {
      message.update(text);
      await clock.advance(2000);
    }
    expect(edits.map(([, text]) => text)).toEqual(['a', 'b', 'c']);
    expect(log.warnings()).toEqual(['the progress of a restart cannot be shown']);
  });

  it('tries the last text again where the failure may pass', async () => {
    const { clock, edits, message } = setUp({ fail: (edit) => (edit <= 2 ? refusal(503) : undefined) });
    const finished = message.finish('end');
    await clock.advance(10_000);
    await finished;
    expect(edits.map(([, text]) => text)).toEqual(['end', 'end', 'end']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not try again what Discord refuses', async () => {
    const { clock, edits, message } = setUp({ fail: () => refusal(404) });
    const finished = message.finish('end');
    await clock.advance(100);
    await finished;
    expect(edits).toHaveLength(1);
  });

  it('does not wait for the last text for ever', async () => {
    const { clock, message } = setUp({ editMs: 3_600_000 });
    message.update('begin');
    await clock.advance(1000);
    let isFinished = false;
    const finished = message.finish('end').then(() => {
      isFinished = true;
    });
    await clock.advance(9999);
    expect(isFinished).toBe(false);
    await clock.advance(1);
    await finished;
  });
});

describe('in the local Discord', () => {
  const simulator = new Simulator();
  let api: DiscordApi;
  beforeAll(async () => {
    await simulator.start();
    api = new DiscordApi({ token: simulator.token, apiUrl: simulator.url });
  });
  afterAll(async () => {
    api.close();
    await simulator.stop();
  });

  async function call(method: string, path: string, body: object | null = null, authorised = true): Promise<unknown> {
    const response = await fetch(`${simulator.url}/v10${path}`, {
      method,
      headers: {
        ...(authorised ? { authorization: `Bot ${simulator.token}` } : {}),
        ...(body === null ? {} : { 'content-type': 'application/json' }),
      },
      body: body === null ? null : JSON.stringify(body),
    });
    return response.status === 204 ? undefined : response.json();
  }

  it('edits a message of the bot', async () => {
    const channelId = simulator.channelIdOf(simulator.guildIds[0] ?? '');
    const { id: messageId } = (await call('POST', `/channels/${channelId}/messages`, { content: 'Restarting' })) as {
      id: string;
    };
    const edit = editorOf(api, { kind: 'message', channelId, messageId });
    const message = new ProgressMessage({ edit, logger: memoryLogger().logger });
    message.update('1 of 2');
    message.update('2 of 2');
    await message.finish('Restarted');
    expect(await call('GET', `/channels/${channelId}/messages/${messageId}`)).toMatchObject({ content: 'Restarted' });
  });

  it('edits the answer to a command, though another process gave it', async () => {
    const interaction = simulator.runCommand({ name: 'restart', guildId: simulator.guildIds[0] ?? '' });
    const callback = `/interactions/${interaction.id}/${interaction.token}/callback`;
    await call('POST', callback, { type: 4, data: { content: 'Restarting' } }, false);
    const { applicationId } = simulator;
    const edit = editorOf(api, { kind: 'interaction', applicationId, interactionToken: interaction.token });
    await new ProgressMessage({ edit, logger: memoryLogger().logger }).finish('Restarted');
    expect(interaction.original?.content).toBe('Restarted');
  });
});
