/* The types of session.js; what each option does at length is in its head comment. */

export type State = 'loading' | 'signed-out' | 'active' | 'stale' | 'locked';

export interface User {
  id: string;
  username: string;
  /** What the operator set; the server only carries it. */
  subscription: Record<string, unknown> | null;
  /** These too; left out where the operator set none. */
  groups?: string[];
  email?: string;
  /** What people read. */
  name?: string;
}

export interface SessionStorage {
  getItem(key: string): string | null | undefined | Promise<string | null | undefined>;
  setItem(key: string, value: string): unknown;
}

export interface SessionLocks {
  /** Runs `work` alone, and resolves with what it gave. Rejects, without having run it, once `signal` is aborted. */
  request<T>(name: string, options: { signal: AbortSignal }, work: (lock: unknown) => Promise<T>): Promise<T>;
}

export interface Options {
  /** Where latchkey is mounted: '/api/auth', or an absolute URL where there is no page. */
  base?: string;
  /** 'cookie' (default): the refresh token is an HttpOnly cookie. 'body': both tokens in `storage`. */
  mode?: 'cookie' | 'body';
  /** The server has `access_cookie = on`: GET and HEAD of this site carry no header. */
  accessCookie?: boolean;
  /** Origins, beside that of `base`, that may see the access token. */
  origins?: string[];
  /** Key in storage, name of the lock and of the channel: 'latchkey'. */
  name?: string;
  /** Sync or async. Default: localStorage in cookie mode, memory in body mode. What can't be read must
   *  reject or throw: `null` says that nothing is stored. */
  storage?: SessionStorage;
  /** What lets one refresh at a time run among all who share `storage`: navigator.locks, where there is one. */
  locks?: SessionLocks;
  /** Refresh this long before expiry, in ms: 300 000, at most half the lifetime. */
  buffer?: number;
  /** Thresholds of `expiring`, in ms: [300 000, 60 000]. */
  warn?: number[];
  /** Of each call to `base` and to `storage`, in ms: 10 000. */
  timeout?: number;
  /** How long a request waits for a token, in ms: 30 000; 0 for one try. */
  queueTimeout?: number;
  /** Longest pause after a failure, in ms: 60 000; what a proxy's Retry-After asks for is cut to it. */
  maxBackoff?: number;
  /** Does this answer refuse the token? Default: 401 with Bearer error="invalid_token". It is given a
   *  copy of the answer, whose body it may read. Only `true` counts. */
  isAuthError?: (response: Response, token: string | undefined) => boolean | Promise<boolean>;
  fetch?: typeof globalThis.fetch;
  now?: () => number;
  /** In [0, 1); cryptographically strong, because idempotency keys are made of it. */
  random?: () => number;
}

/** Never holds a token. */
export class SessionError extends Error {
  /** The server's error code, or one of: network, unexpected_answer, queue_timeout, session_changed,
   *  signed_out, backing_off, storage, key_lost. The last is told by dpop.js. */
  code: string;
  status?: number;
  /** The session is over. */
  terminal?: boolean;
  /** The same may work later. */
  transient?: boolean;
  /** ms */
  retryAfter?: number;
  /** What fetch itself threw; behind queue_timeout and backing_off the last SessionError. */
  cause?: unknown;
}

export interface Events {
  state: { state: State; prev: State; reason?: string; user?: User };
  refreshed: { generation: number; by: 'self' | 'peer' };
  /** What the server says of the same user has changed: the name, the subscription. */
  user: { user: User };
  /** Once per threshold and generation; `idle` only while no refresh gets through. */
  expiring: { kind: 'session' | 'idle'; ms: number; threshold: number };
  /** The session is locked: ask for credentials. */
  reauth: { reason: string; user?: User };
  error: SessionError;
}

export interface Session {
  /** Resolves when what the last run left is known, or storage could not be read: `state` is `loading` then still. */
  readonly ready: Promise<void>;
  readonly state: State;
  readonly user: User | undefined;
  readonly id: string | undefined;
  /** Counts the session's refreshes. */
  readonly generation: number | undefined;
  /** ms since sign-in, and ms left of the access token, the idle window, the session. */
  readonly age: number | null;
  readonly expiresIn: number | null;
  readonly idleExpiresIn: number | null;
  readonly sessionExpiresIn: number | null;

  /** As globalThis.fetch, with the token for listed origins. Rejects with SessionError only when no
   *  usable token came in time, or somebody else signed in while the request waited. */
  fetch: typeof globalThis.fetch;
  /** A usable access token, for what fetch can't do (a WebSocket's first message). `refused`: the
   *  token that didn't work; many who name the same one cause one refresh. */
  token(options?: { refused?: string }): Promise<string>;
  /** With `remember: false` among the credentials the cookie goes when the browser ends. Ends the session that it replaces. The same call again, while it runs, joins it. */
  /** Of a user with a second factor: `code`, too; without it the error's code is `code_required`. */
  signIn<Credentials extends object>(credentials: Credentials, path?: string): Promise<User>;
  /** Works offline. `all`: every session of this user. */
  signOut(options?: { reason?: string; all?: boolean }): Promise<void>;
  /** Now, in spite of a pause after failures; of a Retry-After too, once in 10 s. In cookie mode also
   *  when nothing is stored: the cookie may have outlived it. */
  refresh(): Promise<void>;
  /** Runs the steps in their order until one has signed in; resolves with its name, or signs out. A
   *  transient SessionError stops the chain and is thrown: nothing is decided without the network. */
  reauth(steps: Record<string, (user: User | undefined) => unknown>): Promise<string | undefined>;
  /** The app came to the foreground: for runtimes without page events. */
  wake(): Promise<void>;
  /** Returns a function that takes the callback off again. */
  on<T extends keyof Events>(type: T, callback: (detail: Events[T]) => void): () => void;
  dispose(): void;
}

export function createSession(options?: Options): Session;
