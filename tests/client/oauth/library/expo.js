// expo-auth-session as on a phone, with the phone left out: phone.js stands for what is native. Its system browser is the test's. What an app
// writes is docs/oauth.md's, put beside this file by story.js.
import { refresh, signIn, signOut } from './expo-app.js';
import { userOf } from '../user.js';
import { speak } from '../speak.js';
import { close, opened } from './phone.js';

let signedIn, tokens;

const keep = async got => {
  tokens = got;
  return { user: await userOf(got.accessToken) };
};

speak({
  async begin() {
    close();
    signedIn = signIn();
    signedIn.catch(() => {});
    return (await opened()).url;
  },
  async finish({ url }) {
    (await opened()).resolve({ type: 'success', url });
    return keep(await signedIn);
  },
  refresh: async () => keep(await refresh(tokens)),
  revoke: () => signOut(tokens),
});
