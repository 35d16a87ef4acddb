import type { RestRequest } from '../clients/ClientAdapter.js';
import type { Dispatch } from './Dispatch.js';
import { currentRun, type Run } from './Run.js';

type Send = (request: RestRequest) => Promise<unknown>;
type JsonObject = Readonly<Record<string, unknown>>;

const CREATE_MESSAGE = /^\/channels\/\d+\/messages$/;
const CALLBACK = /^\/interactions\/(\d+)\/([^/]+)\/callback$/;

/** discord.com/developers/docs/topics/opcodes-and-status-codes#json */
const ALREADY_ACKNOWLEDGED = 40060;
/** discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object-interaction-callback-type */
const WITH_MESSAGE: readonly unknown[] = [4, 7];
/** What an edit does not take. */
const ONLY_WHEN_NEW = ['flags', 'tts', 'nonce', 'enforce_nonce'] as const;

/**
 * Sends a request of the client library. What a dispatch sends is seen once in Discord, however often its work is run again:
 * - a message has a nonce of its own, for which Discord returns the message that is there (`enforce_nonce`, a few minutes);
 * - an answer to an interaction that has one already becomes an edit of that;
 * - any other POST that was answered before is not sent again: its answer is remembered with the dispatch.
 *
 * Requests that belong to no dispatch, and methods that may be repeated, are sent as they are.
 */
export async function sendOnce(request: RestRequest, send: Send): Promise<unknown> {
  const run = currentRun();
  if (run === undefined) return send(request);
  const { dispatch } = run;
  const path = request.path.split('?', 1)[0] ?? '';
  const [, interactionId, token] = CALLBACK.exec(path) ?? [];
  dispatch.acted();
  if (request.method !== 'POST') return send(request);
  if (token !== undefined && interactionId === dispatch.facts.id) return acknowledge(request, send, run, token);
  if (run.isFramework) return send(request);
  if (CREATE_MESSAGE.test(path) && isObject(request.body)) return createMessage(request, request.body, send, run, path);
  return remember(request, send, run, path);
}

function createMessage(request: RestRequest, body: JsonObject, send: Send, run: Run, path: string): Promise<unknown> {
  // One that the bot has chosen is the bot's business.
  if (body.nonce !== undefined && body.nonce !== null) return send(request);
  return send({ ...request, body: { ...body, nonce: run.nextName(path), enforce_nonce: true } });
}

async function acknowledge(request: RestRequest, send: Send, run: Run, token: string): Promise<unknown> {
  const { dispatch, isFramework } = run;
  const isAgain = dispatch.facts.attempt > 1 && !isFramework;
  if (isAgain && dispatch.acknowledgement === 'confirmed') return editAnswer(request, send, dispatch, token);
  dispatch.acknowledge('sent');
  try {
    const answer = await send(request);
    dispatch.acknowledge('confirmed');
    return answer;
  } catch (error) {
    if (!isAgain || Object(error).code !== ALREADY_ACKNOWLEDGED) throw error;
    return editAnswer(request, send, dispatch, token);
  }
}

/** @returns what Discord answers to a callback (`with_response`). */
async function editAnswer(request: RestRequest, send: Send, dispatch: Dispatch, token: string): Promise<unknown> {
  const { type, data } = Object(request.body) as { readonly type?: unknown; readonly data?: unknown };
  const { d } = JSON.parse(dispatch.facts.text) as {
    readonly d: { readonly type: number; readonly application_id: string };
  };
  const interaction = { id: dispatch.facts.id, type: d.type };
  // A deferral, a modal or choices: the process that died has sent them.
  if (!WITH_MESSAGE.includes(type) || !isObject(data)) return { interaction };
  const body = Object.fromEntries(Object.entries(data).filter(([name]) => !isOnlyWhenNew(name)));
  const path = `/webhooks/${d.application_id}/${token}/messages/@original`;
  const message = await send({ ...request, method: 'PATCH', path, body });
  return { interaction, resource: { type, message } };
}

async function remember(request: RestRequest, send: Send, run: Run, path: string): Promise<unknown> {
  const name = run.nextName(path);
  const known = run.dispatch.answerOf(name);
  if (known !== undefined) return known.answer;
  const answered = await send(request);
  run.dispatch.answered(name, answered);
  return answered;
}

function isOnlyWhenNew(name: string): boolean {
  return ONLY_WHEN_NEW.some((one) => one === name);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
