// What both generations of Auth.js say about refreshing: the application does it, in its callback "jwt".
import { id, issuer, secret } from '../speak.js';

export const state = { due: false };

export async function jwt({ token, account, profile }) {
  if (account) return { ...token, name: profile.preferred_username, access_token: account.access_token, refresh_token: account.refresh_token };
  if (!state.due) return token;
  try {
    const response = await fetch(issuer + '/token', { method: 'POST', body: new URLSearchParams(
      { grant_type: 'refresh_token', refresh_token: token.refresh_token, client_id: id, client_secret: secret }) });
    const got = await response.json();
    if (!response.ok) throw new Error(got.error);
    return { ...token, error: undefined, access_token: got.access_token, refresh_token: got.refresh_token };
  } catch (error) {
    return { ...token, error: error.message };
  }
}

export const callbacks = { jwt, session: ({ session, token }) => ({ ...session, user: token.name, error: token.error }) };

/* /me, /refresh: what the application's own page would ask of /session. */
export async function answer(base, req, res, due) {
  state.due = due;
  const response = await fetch(base + '/session', { headers: { cookie: req.headers.cookie || '' } });
  for (const line of response.headers.getSetCookie()) res.append('Set-Cookie', line);
  const said = await response.json();
  state.due = false;
  if (said?.error) return res.status(502).json({ error: said.error });
  res.status(said?.user ? 200 : 401).json(said?.user ? { user: said.user } : { error: 'nobody is signed in' });
}
