// The routes of both sides. In the browser the loader asks the server, as the framework does.
import Page, { loader } from './page.jsx';
import { session } from './session.js';

const SignIn = () => <button id="signin" onClick={() => session.signIn({ username: window.user, password: 'correct horse ' + window.user })
  .then(() => { location.href = '/'; })}>Sign in</button>;

export const routes = [
  { path: '/', Component: Page, loader: globalThis.document ? async () => (await fetch('/data.json')).json() : loader },
  { path: '/login', Component: SignIn },
];
