// Each thing that the types promise, used as an app would. tsc checks it under each way to find a module.
import { createSession, SessionError, type Events, type Options, type Session, type State, type User } from 'latchkey-session';
import { createSession as smaller } from 'latchkey-session/min';
import { dpop } from 'latchkey-session/dpop';
import { passkeys } from 'latchkey-session/passkey';
import { useSession } from 'latchkey-session/react';

interface Credentials { username: string; password: string }
const options: Options = { base: 'https://auth.example.org/api/auth', mode: 'body', origins: ['https://api.example.org'] };

export function Greeting(session: Session): string {
  const state: State = useSession(session), user: User | undefined = useSession(session, s => s.user);
  return state === 'active' ? `Hello ${user?.username}` : state;
}

export async function use(form: Credentials): Promise<User> {
  const session: Session = createSession(options), other: Session = smaller();
  const off = session.on('state', ({ state, user }: Events['state']) => { console.log(state, user?.username); });
  await session.ready;
  const user = await session.signIn(form);
  const answer: Response = await session.fetch('/api/things', { method: 'POST', body: '{}' });
  try { await session.refresh(); } catch (error) {
    if (error instanceof SessionError && !error.terminal) console.log(error.code, error.status, error.retryAfter);
  }
  const token: string = await session.token();
  await other.signOut({ all: true });
  off();
  session.dispose();
  console.log(answer.status, token.length);
  const bound: Session = createSession({ fetch: dpop({ keys: async (base: string, fresh) => base ? fresh : undefined }) });
  const passkey: User = await passkeys(bound).signIn({ mediation: 'conditional' });
  console.log(passkey.username);
  // @ts-expect-error what it takes is an object
  dpop('/api/auth');
  // @ts-expect-error a mode that isn't there
  createSession({ mode: 'neither' });
  // @ts-expect-error no event of that name
  session.on('nothing', () => {});
  return user;
}
