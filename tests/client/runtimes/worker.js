// A module Worker of a page: told {story} it runs the story, told {share} it opens the page's session.
import { createSession } from './session.js';
import { story } from './story.js';

let session;
const memory = new Map();
const storage = { getItem: key => memory.get(key) ?? null, setItem: (key, value) => { memory.set(key, value); } };
const asked = {
  story: control => story({ createSession, base: new URL('/api/auth', location.href).href, control, storage }),
  async share() {
    session = createSession();
    await session.ready;
    const first = session.state;
    await session.refresh();
    return [first, session.state, (await session.fetch('/app/echo')).status];
  },
  async state() { return [session.state, (await session.fetch('/app/echo')).status]; },
};

onmessage = async ({ data: [what, arg] }) => {
  try { postMessage({ got: await asked[what](arg) }); } catch (error) { postMessage({ error: String(error.stack || error) }); }
};
