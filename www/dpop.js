/* dpop.js: a session that nobody can renew without this browser's key (DPoP, RFC 9449), for session.js.
 *
 *   import { dpop } from './dpop.js';
 *   const session = createSession({ fetch: dpop() });
 *
 * dpop({ base, fetch, keys }) returns what createSession() takes as `fetch`:
 *   base    as createSession() has it, by the same spelling ('/api/auth'); each has a key of its own
 *   fetch   what sends (globalThis.fetch, as it is when dpop() is called)
 *   keys    (base, fresh) => promise of the stored key pair; where there is none it stores `fresh`, unless that is
 *           false, and resolves with it. Rejects where it can't tell (IndexedDB)
 *
 * A sign-in shows the key, which binds its session for good; each refresh shows it again. All tabs share it. No script can
 * read its private part, so a copy of the storage hasn't it. Where there is no WebCrypto (plain HTTP, React Native) or
 * the key can't be stored, a sign-in binds nothing. A refresh without the session's key is refused by the server, and:
 *   - the key can't be read (3 s): rejects, as without a network; session.js tries again
 *   - there is none, or another one: 401 `key_lost`; session.js is `locked` and asks to sign in again
 *   - the server takes no proof of this page, because it knows itself by another URL: its own 400, which ends nothing.
 * The server looks at the URL before the nonce, and at the key after it: so a proof that was told of a newer nonce, and is
 * refused with it, is of another key.
 */

const encode = text => btoa(text).replace(/\W/g, c => c > '/' ? '' : c > '+' ? '_' : '-');

/* A transaction that may write has the store alone: of two tabs the second finds what the first has stored. */
const inIndexedDB = (base, fresh) => new Promise((resolve, reject) => {
  const opening = indexedDB.open('latchkey');
  setTimeout(reject, 3e3);            // it may hang
  opening.onerror = reject;
  opening.onupgradeneeded = () => opening.result.createObjectStore('dpop');
  opening.onsuccess = () => {
    const keys = opening.result.transaction('dpop', 'readwrite').objectStore('dpop'), found = keys.get(base);
    found.onsuccess = () => found.result || (fresh && keys.put(fresh, base));
    keys.transaction.oncomplete = () => {
      opening.result.close();
      resolve(found.result || fresh);
    };
  };
});

export function dpop({ base = '/api/auth', fetch = globalThis.fetch, keys = inIndexedDB } = {}) {
  const subtle = globalThis.crypto?.subtle, sha256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  let nonce;

  return async (input, init) => {
    if (!/(login|register|refresh)$/.test(input) || ('' + input).indexOf(base)) return fetch(input, init);
    const renews = /refresh$/.test(input), headers = new Headers(init.headers);
    const pair = subtle && await keys(base, !renews && await subtle.generateKey(sha256, false, ['sign'])).catch(() => 0);
    let taken;                        // the server has taken such a proof, but for its nonce

    for (;;) {
      if (pair) {
        const proof = [
          { typ: 'dpop+jwt', alg: 'ES256', jwk: await subtle.exportKey('jwk', pair.publicKey) },
          { htm: 'POST', htu: new Request(input).url, iat: Date.now() / 1e3, jti: '' + Math.random() + Math.random(), nonce },
        ].map(part => encode(JSON.stringify(part))).join('.');
        const signature = await subtle.sign(sha256, pair.privateKey, new TextEncoder().encode(proof));
        headers.set('dpop', proof + '.' + encode(String.fromCharCode(...new Uint8Array(signature))));
      }
      const shown = nonce, response = await fetch(input, { ...init, headers });
      const text = response.status === 400 && await response.clone().text();
      nonce = response.headers.get('dpop-nonce');
      if (!taken && /dpop_nonce/.test(text)) taken = true;
      else if (renews && /dpop_proof/.test(text)) {
        if (pair === 0) throw Error('IndexedDB');
        if (taken || !pair) return new Response('{"error":{"code":"key_lost"}}', { status: 401 });
        if (!shown) return response;
        nonce = null;
      } else return response;
    }
  };
}
