import { WebSocket } from 'ws';
import { z } from 'zod';
import type { WorkerConnection } from '../core/worker/WorkerConnection.js';

/** What is needed of the process: its pid, and its output, in which Node says where its debugger listens. */
type Sampled = Pick<WorkerConnection, 'pid' | 'logLines'>;

const POLL_MS = 20;
const MAX_FRAMES = 30;
const LISTENING = /Debugger listening on (ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]+)/;

const pausedSchema = z.object({
  method: z.literal('Debugger.paused'),
  params: z.object({
    callFrames: z.array(
      z.object({
        functionName: z.string(),
        url: z.string(),
        location: z.object({ lineNumber: z.number(), columnNumber: z.number().default(0) }),
      }),
    ),
  }),
});

/**
 * Looks at where a process is whose event loop does not turn, just before it is killed. SIGUSR1 makes Node open its debugger,
 * on a port of 127.0.0.1 that it chooses (`--inspect-port=0`), also while JavaScript runs without end
 * (nodejs.org/en/learn/getting-started/debugging). The process is paused by it and has to be killed afterwards.
 *
 * @returns the stack, or undefined where it cannot be had in time: the process is stopped, waits in the kernel, or its output
 * went to a master that is gone.
 */
export async function sampleStack(sampled: Sampled, timeoutMs: number): Promise<string | undefined> {
  const { pid } = sampled;
  if (pid === undefined) return undefined;
  const deadline = performance.now() + timeoutMs;
  try {
    process.kill(pid, 'SIGUSR1');
  } catch {
    // It has ended in this moment.
    return undefined;
  }
  const url = await findDebugger(sampled, deadline);
  return url === undefined ? undefined : readStack(url, deadline - performance.now());
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
    socket.on('message', (data) => {
      const paused = pausedSchema.safeParse(JSON.parse(String(data)));
      if (paused.success) done(stackText(paused.data.params.callFrames));
    });
  });
}

function stackText(frames: z.infer<typeof pausedSchema>['params']['callFrames']): string {
  return frames
    .slice(0, MAX_FRAMES)
    .map(({ functionName, url, location }) => {
      const name = functionName === '' ? '(anonymous)' : functionName;
      return `    at ${name} (${url}:${location.lineNumber + 1}:${location.columnNumber + 1})`;
    })
    .join('\n');
}
