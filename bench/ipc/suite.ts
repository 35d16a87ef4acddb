import type { Row, Suite } from '../Suite.js';
import { broadcasting } from './broadcasting.js';
import { death } from './death.js';
import { leaks } from './leaks.js';
import { pingPong } from './pingPong.js';

export const ipc: Suite = {
  name: 'ipc',
  about: `requests to workers, against bare child_process: fork, send, and the same message sent back.
Both sides carry the same payload with the same number under way, in the same run, in turns. The reference correlates
nothing, promises nothing and times nothing out; "bare socket" is a unix socket with a JSON line a message, for orientation.`,
  async run(progress) {
    const rows: Row[] = [];
    for (const part of [pingPong, broadcasting, death, leaks]) rows.push(...(await part(progress)));
    return rows;
  },
};
