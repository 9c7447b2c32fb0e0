/* The types of session-react.js. */
import type { Session, State } from './session.js';

/** The session's state; renders again when it changes. */
export function useSession(session: Session): State;
/** What `pick` returns, which must stay equal while nothing changes. On a server, and until the page is
 *  hydrated, `pick` is given { state: 'loading' } alone. */
export function useSession<T>(session: Session, pick: (session: Pick<Session, 'state'> & Partial<Session>) => T): T;
