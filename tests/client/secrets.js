// What tests of sign-ins share.
//   totp(secret)                           a code of a second factor for now (RFC 6238); the secret in base32
//   refreshByCopy({ host, port }, context)  what somebody gets who has copied the cookies of a browser, and no key: 200, or the server's word
import { createHmac } from 'node:crypto';

export function totp(secret) {
  const bits = [...secret].map(c => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000)));
  const mac = createHmac('sha1', Buffer.from(bits.match(/.{8}/g).map(b => parseInt(b, 2)))).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1e6).padStart(6, '0');
}

export async function refreshByCopy({ host, port }, context) {
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  const headers = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', cookie };
  const response = await fetch(`http://${host}:${port}/api/auth/refresh`, { method: 'POST', headers, body: '{"cookie":true}' });
  return response.ok ? response.status : (await response.json()).error.code;
}
