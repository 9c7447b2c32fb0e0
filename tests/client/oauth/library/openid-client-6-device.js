// The device grant: begin() answers the address that the device shows, finish() polls until it is approved.
import * as client from 'openid-client';
import { id, issuer, SCOPE, speak } from '../speak.js';

const config = await client.discovery(new URL(issuer), id, undefined, client.None(), { execute: [client.allowInsecureRequests] });
let asked, tokens, sub;
const proofs = process.env.DPOP ? { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair()) } : undefined;

const keep = async got => {
  tokens = { ...tokens, ...got };
  const { preferred_username: user } = await client.fetchUserInfo(config, tokens.access_token, sub ??= got.claims().sub);
  return { user, access: tokens.access_token };
};

speak({
  async begin() {
    sub = undefined;
    asked = await client.initiateDeviceAuthorization(config, { scope: SCOPE });
    asked.interval = 1; // the test's patience
    return asked.verification_uri_complete;
  },
  finish: async () => keep(await client.pollDeviceAuthorizationGrant(config, asked, undefined, proofs)),
  refresh: async () => keep(await client.refreshTokenGrant(config, tokens.refresh_token, undefined, proofs)),
  revoke: () => client.tokenRevocation(config, tokens.refresh_token),
});
