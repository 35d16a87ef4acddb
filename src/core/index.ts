/** What a bot's own programs and workers need: `kallisti`. */
export * from './errors.js';
export type {
  AnyContract,
  Contract,
  Event,
  ReplyFunction,
  Request,
  RequestOptions,
  snowflake,
} from './ipc/contract.js';
export { IpcServer } from './ipc/IpcServer.js';
export type { LogSink } from './log/LogDestination.js';
export { LogTail } from './log/LogTail.js';
export { type CreateLoggerOptions, createLogger, type LogBindings, type Logger } from './log/logger.js';
export { StatusLine, type StatusStream } from './log/StatusLine.js';
export { registerSecret, Secret } from './log/secrets.js';
export { BaseService } from './services/BaseService.js';
export { IntervalService, type IntervalServiceOptions } from './services/IntervalService.js';
export { WorkerPoolEventService } from './services/WorkerPoolEventService.js';
export { type Config, type LoadConfigOptions, loadConfig } from './settings/config.js';
export type { LogLevel } from './settings/settings.js';
export { BaseWorker } from './worker/BaseWorker.js';
export { LocalHost } from './worker/LocalHost.js';
export type { StopResult } from './worker/stopWorker.js';
export { WorkerConnection, type WorkerState } from './worker/WorkerConnection.js';
export type { WorkerConnectionOptions } from './worker/WorkerConnectionOptions.js';
export type { OnConnected, WorkerHost, WorkerLaunch, WorkerProcess } from './worker/WorkerHost.js';
export { type SettledReply, WorkerPool, type WorkerPoolEvents } from './worker/WorkerPool.js';
export type { WorkerRecord, WorkerRegistry } from './worker/WorkerRegistry.js';
