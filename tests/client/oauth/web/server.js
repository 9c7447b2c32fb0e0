// What the web applications have in common. Every answer that a visitor ends on is JSON: {user} or {error}.
import http from 'node:http';
import { port, speak } from '../speak.js';

export const me = (res, user) => res.status(user ? 200 : 401).json(user ? { user } : { error: 'nobody is signed in' });

/* Express calls this for whatever a middleware throws. */
export function failed(error, req, res, next) { // eslint-disable-line no-unused-vars
  res.status(502).json({ error: [error.message, error.code, error.oauthError?.data, error.cause?.message].filter(Boolean).join(' | ') });
}

export async function listen(handler) {
  const server = http.createServer(handler);
  await new Promise(resolve => { server.listen(port, '127.0.0.1', resolve); });
  speak({});
}

/* next-auth and Auth.js begin a sign-in by a POST with a token against CSRF, which their script in the page makes: this is that script. */
export async function beginAt(base, req, res, callbackUrl) {
  const cookies = new Map(Object.entries(Object.fromEntries((req.headers.cookie || '').split('; ').filter(Boolean).map(pair => pair.split(/=(.*)/s)))));
  const call = async (path, form) => {
    const response = await fetch(base + path, { redirect: 'manual', method: form ? 'POST' : 'GET', body: form && new URLSearchParams(form),
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '), 'x-auth-return-redirect': '1' } });
    for (const line of response.headers.getSetCookie()) {
      res.append('Set-Cookie', line);
      const [, name, value] = /^([^=]*)=([^;]*)/.exec(line);
      cookies.set(name, value);
    }
    return response.json();
  };
  const { csrfToken } = await call('/csrf');
  res.redirect((await call('/signin/latchkey', { csrfToken, callbackUrl, json: 'true' })).url);
}
