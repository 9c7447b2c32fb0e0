// What the tests of wallets share: wallets that real libraries sign for, and calls to a server.
//   const [lumen, coin] = purses('a name');        {chain, address, sign(text), key} each; the same name gives the same keys
//   const call = caller(server);                   await call('POST', '/login', {…}, token): {status, data, error}
//   await call.wallet(coin, text => …)             a text, signed, as the body of /wallet/login and of /wallet
import crypto from 'node:crypto';
import { createRequire } from 'node:module';
import path from 'node:path';

const libraries = createRequire(path.resolve('build/wallets') + '/');
export const { Keypair, StrKey, hash } = libraries('@stellar/stellar-sdk/base');
export const nacl = libraries('tweetnacl');
export const bs58 = libraries('bs58').default;

export const base64 = bytes => Buffer.from(bytes).toString('base64');
export const bytesOf = text => new TextEncoder().encode(text);

/* Stellar's library signs by SEP-53 itself; tweetnacl signs what it is given, as wallets of Solana do. */
function stellar(seed) {
  const key = Keypair.fromRawEd25519Seed(seed);
  return { chain: 'stellar', address: key.publicKey(), key, sign: text => base64(key.signMessage(text)) };
}
function solana(seed) {
  const key = nacl.sign.keyPair.fromSeed(seed);
  return { chain: 'solana', address: bs58.encode(key.publicKey), key, sign: text => base64(nacl.sign.detached(bytesOf(text), key.secretKey)) };
}
export const purses = name => [stellar, solana].map(make => make(crypto.createHash('sha256').update(name).digest()));

export function caller(server) {
  let asked = 0;
  /* Each call comes from another network: the throttle is another test's. */
  const call = async (method, at, body, token) => {
    const headers = { 'content-type': 'application/json', connection: 'close', 'x-forwarded-for': `10.${++asked >> 8}.${asked & 255}.1` };
    if (token) headers.authorization = `Bearer ${token}`;
    const response = await fetch(`http://${server.host}:${server.port}/api/auth${at}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text(), { data, error } = text ? JSON.parse(text) : {};
    return { status: response.status, data, error: error?.code };
  };
  call.text = async ({ chain, address }) => (await call('POST', '/wallet/challenge', { chain, address })).data.message;
  call.wallet = async (purse, more) => {
    const { chain, address, sign } = purse, message = await call.text(purse);
    return { chain, address, message, signature: sign(message), ...more };
  };
  call.outcome = async (at, body, token) => { const { status, error } = await call('POST', at, body, token); return error ?? status; };
  return call;
}
