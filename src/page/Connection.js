/** @import { AdminEvents, LiveStatus } from '../core/contracts/AdminApi.js' */
import { ApiError, reasonOf, request } from './api.js';

/** A status comes about once a second. After so long without one the master counts as gone. */
const SILENCE_MS = 6_000;
const RETRY_DELAYS_MS = [500, 1_000, 2_000, 3_000, 5_000];

/**
 * Times are by `performance.now()`. `retryAt` is null during a try.
 *
 * @typedef {{ kind: 'stopped' | 'connecting' | 'live' | 'loggedOut' }
 *   | { kind: 'lost'; since: number; retryAt: number | null; reason: string }} ConnectionState
 */

/** @typedef {{ [Name in keyof AdminEvents]: (data: AdminEvents[Name]) => void } & { state: (state: ConnectionState) => void }} Listeners */

/**
 * The page's line to the master: first one `GET /api/status`, which shows whether a login is needed (an EventSource hides the status
 * code), then the event stream. When the stream ends or goes silent it tries again, with pauses of up to five seconds, until it is
 * stopped or a login is needed.
 */
export class Connection {
  /** @type {ConnectionState} */
  #state = { kind: 'stopped' };
  /** @type {EventSource | null} */
  #source = null;
  /** @type {string | null} */
  #logs = null;
  #heardAt = 0;
  #failures = 0;
  #masterStops = false;
  /** The present attempt. An older one sees by it that it is too late. */
  #attempt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retryTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #watchdog;

  /** @param {Listeners} listeners */
  constructor(listeners) {
    this.listeners = listeners;
  }

  get state() {
    return this.#state;
  }

  start() {
    this.stop();
    this.#setState({ kind: 'connecting' });
    this.#watchdog = setInterval(() => this.#watch(), 1_000);
    void this.#connect();
  }

  stop() {
    this.#attempt++;
    this.#failures = 0;
    this.#masterStops = false;
    clearTimeout(this.#retryTimer);
    clearInterval(this.#watchdog);
    this.#source?.close();
    this.#source = null;
    this.#setState({ kind: 'stopped' });
  }

  /** Ends the pause before the next try. */
  retryNow() {
    if (this.#state.kind !== 'lost' || this.#state.retryAt === null) return;
    clearTimeout(this.#retryTimer);
    void this.#connect();
  }

  /** Asks for log lines, too. @param {string | null} logs A cluster's id, `master` or `all`; null: none. */
  follow(logs) {
    this.#logs = logs;
    if (this.#source !== null) this.#open();
  }

  async #connect() {
    const attempt = ++this.#attempt;
    if (this.#state.kind === 'lost') this.#setState({ ...this.#state, retryAt: null });
    try {
      const { history, ...status } = await request('GET /api/status');
      if (attempt !== this.#attempt) return;
      this.#masterStops = status.phase === 'stopping';
      this.listeners.status(status);
      this.listeners.history(history);
      this.#open();
    } catch (error) {
      if (attempt !== this.#attempt) return;
      if (error instanceof ApiError && error.status === 401) this.#logOut();
      else this.#lose(reasonOf(error));
    }
  }

  #open() {
    this.#source?.close();
    const source = new EventSource(`api/events${this.#logs === null ? '' : `?logs=${encodeURIComponent(this.#logs)}`}`);
    this.#source = source;
    this.#heardAt = performance.now();
    this.#on(source, 'status', (/** @type {LiveStatus} */ status) => {
      this.#failures = 0;
      this.#masterStops ||= status.phase === 'stopping';
      if (this.#state.kind !== 'live') this.#setState({ kind: 'live' });
      this.listeners.status(status);
    });
    this.#on(source, 'history', this.listeners.history);
    this.#on(source, 'sample', this.listeners.sample);
    this.#on(source, 'restart', this.listeners.restart);
    this.#on(source, 'logs', this.listeners.logs);
    this.#on(source, 'stopping', (data) => {
      this.#masterStops = true;
      this.listeners.stopping(data);
    });
    source.onerror = () => {
      if (this.#source === source) this.#lose('The master has closed the connection.');
    };
  }

  /**
   * @template {keyof AdminEvents} Name
   * @param {EventSource} source
   * @param {Name} name
   * @param {(data: AdminEvents[Name]) => void} listener
   */
  #on(source, name, listener) {
    source.addEventListener(name, (event) => {
      if (this.#source !== source) return;
      this.#heardAt = performance.now();
      listener(JSON.parse(event.data));
    });
  }

  #watch() {
    if (this.#source === null || performance.now() - this.#heardAt < SILENCE_MS) return;
    this.#lose(`Nothing has come from the master for ${SILENCE_MS / 1000} s.`);
  }

  /** @param {string} reason */
  #lose(reason) {
    this.#source?.close();
    this.#source = null;
    const delayMs = RETRY_DELAYS_MS[Math.min(this.#failures++, RETRY_DELAYS_MS.length - 1)] ?? 0;
    const now = performance.now();
    const since = this.#state.kind === 'lost' ? this.#state.since : now;
    const why = this.#masterStops ? 'The master has stopped.' : reason;
    this.#setState({ kind: 'lost', since, retryAt: now + delayMs, reason: why });
    this.#retryTimer = setTimeout(() => void this.#connect(), delayMs);
  }

  #logOut() {
    this.stop();
    this.#setState({ kind: 'loggedOut' });
  }

  /** @param {ConnectionState} state */
  #setState(state) {
    if (state.kind === 'stopped' && this.#state.kind === 'stopped') return;
    this.#state = state;
    this.listeners.state(state);
  }
}
