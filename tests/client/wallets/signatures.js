// Wallets at the calls of docs/api.md: what @stellar/stellar-sdk and tweetnacl sign is taken, and nothing else is. Each refusal has its control: what
// differs from it in the one thing that is tried, and signs in; or a library that takes what latchkey refuses.
import fs from 'node:fs';
import path from 'node:path';
import { same } from '../groups.js';
import { upstream } from '../upstream.js';
import { base64, bs58, bytesOf, caller, hash, nacl, purses, StrKey } from './stage.js';

const URL_HERE = 'https://pay.example/api/auth', ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const here = { issuer: URL_HERE, wallets: 'stellar:pubnet solana:mainnet' };

/* A server with the keys of another: what it writes has a good MAC there. */
async function twin(server, config) {
  const other = await upstream('clocked', config);
  fs.copyFileSync(path.join(server.data, 'latchkey.key'), path.join(other.data, 'latchkey.key'));
  return caller(other);
}

/* The little-endian number in the second half of a signature, changed. */
function withS(signature, change) {
  const bytes = Buffer.from(signature, 'base64'), number = BigInt('0x' + Buffer.from(bytes.subarray(32)).reverse().toString('hex'));
  return base64([...bytes.subarray(0, 32), ...Buffer.from(change(number).toString(16).padStart(64, '0'), 'hex').reverse()]);
}
const sep53 = text => hash(Buffer.from('Stellar Signed Message:\n' + text));
const signedBytes = (chain, text) => chain === 'solana' ? bytesOf(text) : sep53(text);
/* Keys are told by their addresses. */
const keyBytes = { stellar: address => StrKey.decodeEd25519PublicKey(address), solana: address => bs58.decode(address) };
const addressOf = { stellar: bytes => StrKey.encodeEd25519PublicKey(Buffer.from(bytes)), solana: bytes => bs58.encode(bytes) };
/* What a library that doesn't look for it takes. */
const naclTakes = ({ chain, address, message, signature }) =>
  nacl.sign.detached.verify(signedBytes(chain, message), Buffer.from(signature, 'base64'), Uint8Array.from(keyBytes[chain](address)));

async function story(tell, call, purse) {
  const body = await call.wallet(purse), name = `${purse.chain}:${purse.address}`;
  const first = await call('POST', '/wallet/login', body);
  const me = await call('GET', '/me', null, first.data.access_token);
  tell([first.status, me.data.username], [200, name], 'what the library signs signs in, as the wallet\'s own user');
  const next = await call('POST', '/refresh', { refresh_token: first.data.refresh_token });
  tell([next.status, next.data.generation], [200, 2], 'refreshed');
  tell(await call.outcome('/wallet/login', body), 'challenge_invalid', 'the same text once more, after that: refused');
  tell(await call.outcome('/wallet/login', await call.wallet(purse)), 200, 'another text signs in again');

  const user = `ada-${purse.chain}`, password = 'correct horse battery';
  const { data: { access_token: token } } = await call('POST', '/register', { username: user, password });
  const asAda = await call.wallet(purse, { username: user });
  tell(await call.outcome('/wallet/login', asAda), 'invalid_credentials', 'by the name of a user whom it isn\'t linked to: refused');
  const linked = await call('POST', '/wallet', await call.wallet(purse, { label: 'My purse' }), token);
  tell(linked.status, 201, 'linked to a user who is there');
  const signed = await call('POST', '/wallet/login', asAda);
  const hers = await call('GET', '/me', null, signed.data?.access_token);
  tell([signed.status, hers.data?.username], [200, user], 'and signs that user in, by the very request that was refused');
  const list = async () => (await call('GET', '/passkeys', null, token)).data.map(k => [k.id, k.kind, k.label]);
  tell(await list(), [[linked.data.id, purse.chain, 'My purse']], 'listed');
  tell((await call('DELETE', `/passkeys/${linked.data.id}`, null, token)).status, 204, 'removed');
  const after = await call.outcome('/wallet/login', await call.wallet(purse, { username: user }));
  tell([await list(), after], [[], 'invalid_credentials'], 'and signs that user in no more');
  tell(await call.outcome('/wallet/login', await call.wallet(purse)), 200, 'its own user is another');
}

async function texts(tell, server, call, purse) {
  const refused = async (what, make, error) => {
    const control = await call.wallet(purse);
    const bad = await make({ ...control });
    const outcomes = [await call.outcome('/wallet/login', bad), await call.outcome('/wallet/login', control)];
    tell(outcomes, [error, 200], `${what}: refused; control: without it, taken`);
  };
  const [other] = purses('another').filter(({ chain }) => chain === purse.chain);
  const [stranger] = purses('mine').filter(({ chain }) => chain !== purse.chain);
  const resigned = (body, message) => ({ ...body, message, signature: purse.sign(message) });
  await refused('a text that the wallet changed, and signed', b => resigned(b, b.message.replace('It costs nothing', 'It costs little')), 'challenge_invalid');
  await refused('another domain written into it', b => resigned(b, b.message.replace('pay.example', 'pay.example.evil.example')), 'challenge_invalid');
  await refused('a Nonce of its own', b => resigned(b, b.message.replace(/Nonce: (.)/, (_, digit) => `Nonce: ${digit === '0' ? 1 : 0}`)), 'challenge_invalid');
  await refused('the key of another wallet', b => ({ ...b, signature: other.sign(b.message) }), 'invalid_credentials');
  await refused('a text for another wallet', async b => ({ ...await call.wallet(other), address: b.address }), 'challenge_invalid');
  await refused('an address of the other chain', b => ({ ...b, address: stranger.address }), 'invalid_request');
  const elsewhere = { chain: stranger.chain, address: addressOf[stranger.chain](keyBytes[purse.chain](purse.address)) };
  await refused('the same key as the other chain writes it', b => ({ ...b, ...elsewhere }), 'challenge_invalid');
  const wrongWay = {
    stellar: text => base64(purse.key.sign(Buffer.from(text))),
    solana: text => base64(nacl.sign.detached(sep53(text), purse.key.secretKey)),
  };
  await refused('signed as the other chain does', b => ({ ...b, signature: wrongWay[b.chain](b.message) }), 'invalid_credentials');

  server.later(0);
  const late = await call.wallet(purse);
  server.later(300);
  const after = await call.outcome('/wallet/login', late);
  server.later(0);
  tell([after, await call.outcome('/wallet/login', late)], ['challenge_invalid', 200], 'after five minutes: refused; control: without them, taken');

  const others = { 'another domain': { issuer: 'https://evil.example/api/auth' }, 'another network': { wallets: 'stellar:testnet solana:devnet' } };
  for (const [what, config] of Object.entries(others)) {
    const there = await twin(server, { ...here, ...config }), body = await there.wallet(purse);
    const outcomes = [await call.outcome('/wallet/login', body), await there.outcome('/wallet/login', body)];
    tell(outcomes, ['challenge_invalid', 200], `written for ${what}, with a good MAC: refused; control: there it is taken`);
  }
}

/* The point of order 1 in both its spellings: as a key, every text is signed by R = 1, S = 0. */
const ONE = Uint8Array.of(1, ...Array(31).fill(0)), ONE_AGAIN = Uint8Array.of(0xee, ...Array(30).fill(0xff), 0x7f);

async function forgeries(tell, call, purse) {
  const good = await call.wallet(purse);
  const twice = { ...good, signature: withS(good.signature, s => s + ORDER) };
  tell([naclTakes(twice), await call.outcome('/wallet/login', twice), await call.outcome('/wallet/login', good)], [true, 'invalid_credentials', 200],
    'a signature whose S is written in another way: refused; controls: tweetnacl takes it, and latchkey the one that it was made of');
  for (const [what, key] of [['small order', ONE], ['small order, in another spelling', ONE_AGAIN]]) {
    const forged = await call.wallet({ chain: purse.chain, address: addressOf[purse.chain](key), sign: () => base64([...ONE, ...Array(32).fill(0)]) });
    tell([naclTakes(forged), await call.outcome('/wallet/login', forged)], [true, 'invalid_credentials'],
      `a key of ${what}, for which anybody signs: refused; control: tweetnacl takes it`);
  }
}

export const signatures = ['signatures', async () => {
  const server = await upstream('clocked', here), call = caller(server);
  for (const purse of purses('mine')) {
    const tell = (got, want, what) => same(got, want, `${purse.chain}: ${what}`);
    await story(tell, call, purse);
    await texts(tell, server, call, purse);
    await forgeries(tell, call, purse);
  }
}];
