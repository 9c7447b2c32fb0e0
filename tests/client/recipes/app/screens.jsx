// What an app shows; the recipe leaves it open.
export function Splash() {
  globalThis.answer?.();                             // of a storage that waits for this moment: pages.js
  return <p id="splash">Splash</p>;
}
export const SignIn = ({ onSubmit }) => <button id="signin" onClick={() => onSubmit(window.user, 'correct horse ' + window.user)}>Sign in</button>;
export const Home = ({ user, offline }) => <h1>Hello {user.username}{offline ? ' (offline)' : ''}</h1>;
