/* session-react.js: a session in React 18 or newer.
 *
 *   const state = useSession(session);                     // 'loading', 'active', …
 *   const user = useSession(session, s => s.user);
 *
 * Renders again when what the second function returns has changed. On a server, and until a page is
 * hydrated, that function is given { state: 'loading' }.
 */
import { useCallback, useSyncExternalStore } from 'react';

export function useSession(session, pick = s => s.state) {
  const subscribe = useCallback(tell => {
    const ends = ['state', 'user', 'refreshed'].map(type => session.on(type, tell));
    return () => ends.forEach(end => end());
  }, [session]);
  return useSyncExternalStore(subscribe, () => pick(session), () => pick({ state: 'loading' }));
}
