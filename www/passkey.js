/* passkey.js: passkeys (WebAuthn) for a session of session.js.
 *
 *   import { passkeys } from './passkey.js';
 *   const { signIn, register } = passkeys(session);
 *   await register({ label: 'Laptop' });               // from a session that began within ten minutes
 *   await signIn();                                    // or as a step of the chain:
 *   await session.reauth({ passkey: () => signIn(), password: askForPassword });
 *
 * passkeys(session, { base, fetch }): where latchkey is mounted, as createSession() has it.
 * signIn({ mediation, signal, ...more }): `mediation: 'conditional'` offers passkeys in the autofill of a field
 *   with autocomplete="username webauthn"; `more` (device, remember) goes with the sign-in. Resolves with the user.
 * register({ label, signal }): resolves with the passkey's id.
 *
 * What fails for a while (no network, 5xx) rejects with `transient`: reauth() stops there, and decides nothing. All
 * else (cancelled, no passkey here, no WebAuthn) is for the next step of the chain.
 */

const decode = letters => Uint8Array.from(atob(letters.replace(/[-_]/g, c => c > '-' ? '/' : '+')), c => c.charCodeAt());
const binary = buffer => String.fromCharCode(...new Uint8Array(buffer));
const encode = bytes => btoa(bytes).replace(/[+/=]/g, c => c > '/' ? '' : c > '+' ? '_' : '-');

/* Before getAuthenticatorData(): without attestation it is the last member, a text and two bytes or three before it. */
const cut = bytes => {
  const at = bytes.indexOf('hauthData') + 9;
  return bytes.slice(at + (bytes[at] === 'X' ? 2 : 3));
};

export function passkeys(session, { base = '/api/auth', fetch = (...args) => globalThis.fetch(...args) } = {}) {
  async function post(path, body, send) {
    let code = 'network', transient = true;
    try {
      const response = await send(base + '/passkeys' + path, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
      });
      const answer = await response.json();
      if (answer.data) return answer.data;
      code = answer.error.code;
      transient = /^(408|429|5)/.test(response.status);
    } catch { /* no answer, or not latchkey's */ }
    throw Object.assign(new Error(code), { code, transient });
  }

  async function signIn({ mediation, signal, ...more } = {}) {
    const { challenge, rp_id: rpId } = await post('/challenge', {}, fetch);
    const { id, response: { clientDataJSON, authenticatorData, signature, userHandle } } = await navigator.credentials.get({
      mediation, signal, publicKey: { challenge: decode(challenge), rpId, userVerification: 'required' },
    });
    return session.signIn({
      ...more, id, client_data: encode(binary(clientDataJSON)), authenticator_data: encode(binary(authenticatorData)),
      signature: encode(binary(signature)), user_handle: encode(binary(userHandle)),
    }, '/passkeys/login');
  }

  async function register({ label, signal } = {}) {
    const { challenge, rp_id: id, user, algorithms } = await post('/challenge', { register: true }, session.fetch);
    const { response } = await navigator.credentials.create({
      signal,
      publicKey: {
        challenge: decode(challenge), rp: { id, name: id }, user: { id: decode(user.id), name: user.name, displayName: user.name },
        pubKeyCredParams: algorithms.map(alg => ({ type: 'public-key', alg })),
        authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      },
    });
    const data = response.getAuthenticatorData ? binary(response.getAuthenticatorData()) : cut(binary(response.attestationObject));
    return (await post('', { label, client_data: encode(binary(response.clientDataJSON)), authenticator_data: encode(data) }, session.fetch)).id;
  }

  return { signIn, register };
}
