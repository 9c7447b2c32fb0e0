// For libraries that stop at the tokens: what an app does with them.
import { id, issuer, secret } from './speak.js';

export async function userOf(access) {
  const response = await fetch(issuer + '/userinfo', { headers: { authorization: 'Bearer ' + access } });
  if (!response.ok) throw new Error(`/userinfo: ${response.status}`);
  return (await response.json()).preferred_username;
}

export async function revoke(token) {
  const body = new URLSearchParams({ token, client_id: id, ...secret && { client_secret: secret } });
  const response = await fetch(issuer + '/revoke', { method: 'POST', body });
  if (!response.ok) throw new Error(`/revoke: ${response.status}`);
}
