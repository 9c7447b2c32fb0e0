// An application that is nothing but a page: public, its tokens in the browser, on another origin than the server (cors_origins).
import { UserManager, WebStorageStateStore } from 'oidc-client-ts';

const { issuer, id, redirectUri, scope } = window.registered;
const manager = new UserManager({ authority: issuer, client_id: id, redirect_uri: redirectUri, scope, response_type: 'code', automaticSilentRenew: false,
  loadUserInfo: true, userStore: new WebStorageStateStore({ store: window.localStorage }), stateStore: new WebStorageStateStore({ store: window.localStorage }) });
const said = user => ({ user: user.profile.preferred_username });

window.app = {
  begin: () => manager.signinRedirect(),
  finish: async () => said(await manager.signinCallback(window.location.href)),
  refresh: async () => said(await manager.signinSilent()),
  async revoke() {
    await manager.revokeTokens(['refresh_token']);
    await manager.removeUser();
  },
};
