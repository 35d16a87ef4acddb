// The child of `BareSocket`. It ends with its socket.
import { createConnection } from 'node:net';
import { readLines } from '../readLines.js';

const socket = createConnection(process.argv[2] ?? '');
readLines(socket, (value) => socket.write(`${JSON.stringify(value)}\n`));
