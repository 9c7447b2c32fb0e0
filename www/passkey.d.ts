/* The types of passkey.js; what is done at length is in its head comment. */
import type { Session, User } from './session.js';

export interface Options {
  /** As createSession() has it: '/api/auth'. */
  base?: string;
  fetch?: typeof globalThis.fetch;
}

export interface Passkeys {
  /** Asks for a passkey and signs in by it. `mediation: 'conditional'`: in the autofill of a field. Rejects with `transient` where the
   *  network or the server fails for a while; else there is no passkey here, or the person said no. */
  signIn(options?: { mediation?: 'conditional' | 'optional' | 'required'; signal?: AbortSignal; device?: string; remember?: boolean }): Promise<User>;
  /** Registers a passkey of who is signed in, within ten minutes of the sign-in. Resolves with its id. */
  register(options?: { label?: string; signal?: AbortSignal }): Promise<string>;
}

export function passkeys(session: Pick<Session, 'signIn' | 'fetch'>, options?: Options): Passkeys;
