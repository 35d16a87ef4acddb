import { WebSocket } from 'ws';
import { z } from 'zod';
import type { WorkerConnection } from '../../core/worker/WorkerConnection.js';

/** The process's pid, and its output: Node prints there where its debugger listens. */
type Sampled = Pick<WorkerConnection, 'pid' | 'logLines'>;

const POLL_MS = 20;
const MAX_FRAMES = 30;
const LISTENING = /Debugger listening on (ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]+)/;

const parsedSchema = z.object({
  method: z.literal('Debugger.scriptParsed'),
  params: z.object({ scriptId: z.string(), url: z.string() }),
});

const pausedSchema = z.object({
  method: z.literal('Debugger.paused'),
  params: z.object({
    callFrames: z.array(
      z.object({
        functionName: z.string(),
        location: z.object({ scriptId: z.string(), lineNumber: z.number(), columnNumber: z.number().default(0) }),
      }),
    ),
  }),
});

/**
 * Finds out where the event loop of a process is blocked, just before the process is killed. SIGUSR1 makes Node open its
 * debugger, also while JavaScript runs without end (nodejs.org/en/learn/getting-started/debugging). It listens on a port of
 * 127.0.0.1 that it chooses itself (`--inspect-port=0`). The debugger pauses the process, which has to be killed afterwards.
 *
 * @param timeoutMs how long it may take, in milliseconds.
 * @returns the stack. Undefined where it cannot be had in time: the process is stopped, it waits in the kernel, or its output
 * went to a master that is gone.
 */
export async function sampleStack(sampled: Sampled, timeoutMs: number): Promise<string | undefined> {
  const { pid } = sampled;
  if (pid === undefined) return undefined;
  const deadline = performance.now() + timeoutMs;
  try {
    process.kill(pid, 'SIGUSR1');
  } catch {
    // It has just ended.
    return undefined;
  }
  const url = await findDebugger(sampled, deadline);
  return url === undefined ? undefined : readStack(url, Math.max(1, deadline - performance.now()));
}

async function findDebugger(sampled: Sampled, deadline: number): Promise<string | undefined> {
  while (performance.now() < deadline) {
    for (const line of sampled.logLines.slice(-10)) {
      const url = LISTENING.exec(line)?.[1];
      if (url !== undefined) return url;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return undefined;
}

function readStack(url: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { handshakeTimeout: timeoutMs, perMessageDeflate: false });
    const done = (stack?: string): void => {
      clearTimeout(timer);
      socket.terminate();
      resolve(stack);
    };
    const timer = setTimeout(done, timeoutMs);
    socket.on('error', () => done());
    socket.on('open', () => {
      socket.send('{"id":1,"method":"Debugger.enable"}');
      socket.send('{"id":2,"method":"Debugger.pause"}');
    });
    // The debugger names a frame's script by a number. It says which file that is when it is enabled.
    const files = new Map<string, string>();
    socket.on('message', (data) => {
      const message: unknown = JSON.parse(String(data));
      const script = parsedSchema.safeParse(message);
      if (script.success) files.set(script.data.params.scriptId, script.data.params.url);
      const paused = pausedSchema.safeParse(message);
      if (paused.success) done(stackText(paused.data.params.callFrames, files));
    });
  });
}

function stackText(
  frames: z.infer<typeof pausedSchema>['params']['callFrames'],
  files: ReadonlyMap<string, string>,
): string {
  return frames
    .slice(0, MAX_FRAMES)
    .map(({ functionName, location: { scriptId, lineNumber, columnNumber } }) => {
      const name = functionName === '' ? '(anonymous)' : functionName;
      return `    at ${name} (${files.get(scriptId) ?? 'unknown'}:${lineNumber + 1}:${columnNumber + 1})`;
    })
    .join('\n');
}
