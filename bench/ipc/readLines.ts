import type { Socket } from 'node:net';

/** Reads JSON lines, the way Node's own channel does. */
export function readLines(socket: Socket, onValue: (value: unknown) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    const lines = chunk.split('\n');
    if (lines.length === 1) {
      rest += chunk;
      return;
    }
    lines[0] = rest + (lines[0] ?? '');
    rest = lines.pop() ?? '';
    for (const line of lines) onValue(JSON.parse(line));
  });
}
