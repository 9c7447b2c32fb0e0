// The same with proofs by a key of its own (RFC 9449), as the library makes them.
process.env.DPOP = '1';
await import('./openid-client-6-device.js');
