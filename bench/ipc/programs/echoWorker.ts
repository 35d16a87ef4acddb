import { BaseWorker } from 'kallisti';
import type { EchoContract } from '../EchoContract.js';
import { processState } from '../processState.js';

const worker = new BaseWorker<EchoContract>();
worker.on('echo', (data) => data);
worker.on('hang', (_data, _id, _reply) => undefined);
worker.on('getState', () => processState());
await worker.start();
