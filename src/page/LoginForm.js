import { ApiError, request } from './api.js';
import { get, setText } from './dom.js';

/** Asks for the token, and forgets it when the master has accepted it. */
export class LoginForm {
  /** @param {() => void} onLoggedIn */
  constructor(onLoggedIn) {
    this.onLoggedIn = onLoggedIn;
    this.token = get('token', HTMLInputElement);
    this.button = get('log-in', HTMLButtonElement);
    this.error = get('login-error');
    this.reason = get('login-reason');
    get('login-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#logIn();
    });
  }

  /** @param {string} reason Why it asks; may be empty. */
  show(reason) {
    this.error.hidden = true;
    this.reason.hidden = reason === '';
    setText(this.reason, reason);
    this.token.focus();
  }

  async #logIn() {
    this.button.disabled = true;
    this.error.hidden = true;
    try {
      await request('POST /api/login', { body: { token: this.token.value.trim() } });
      this.token.value = '';
      this.onLoggedIn();
    } catch (error) {
      setText(this.error, describe(error));
      this.error.hidden = false;
      this.token.setAttribute('aria-invalid', 'true');
      this.token.select();
    } finally {
      this.button.disabled = false;
    }
  }
}

/** @param {unknown} error */
function describe(error) {
  if (!(error instanceof ApiError)) return String(error);
  if (error.status === 401) return 'This is not the token.';
  if (error.status !== 429) return error.message;
  const wait = error.retryAfterSeconds === null ? 'a while' : `${error.retryAfterSeconds} s`;
  return `Too many attempts. Wait ${wait} before the next.`;
}
