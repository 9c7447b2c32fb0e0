// What session.js does in body mode, from sign-in to sign-out, told in whatever runtime imports it.
//
//   const steps = await story({ createSession, base, control, storage, options });
//
// `base` is the API's absolute URL, `control` a URL of main.js that makes the proxy misbehave and tells what
// it saw, `storage` what a relaunch finds again, `options` what this runtime needs beside. Each step is
// {name, got, want}; main.js compares. It uses nothing that a runtime may lack: no Node, no DOM.

const pause = ms => new Promise(resolve => { setTimeout(resolve, ms); });

export async function story({ createSession, base, control, storage, options }) {
  const steps = [], url = new URL('/app/echo', base).href;
  const step = (name, got, want) => steps.push({ name, got: JSON.stringify(got), want: JSON.stringify(want) });
  const told = async what => (await fetch(`${control}${what}`)).json();
  const refreshes = async () => (await told('/log')).filter(entry => entry.path === '/refresh');
  const launch = () => createSession({ base, mode: 'body', storage, ...options });
  const status = async session => (await session.fetch(url)).status;
  const code = promise => promise.then(() => 'ok', error => error?.name === 'SessionError' ? error.code : error?.name);

  async function until(session, state) {
    for (let i = 0; i < 3000 && session.state !== state; i++) await pause(20);
    return session.state;
  }

  async function tell() {
    let session = launch();
    await session.ready;
    step('nobody is signed in at first', session.state, 'signed-out');
    const username = 'r' + Math.random().toString(36).slice(2) + Date.now().toString(36);
    const user = await session.signIn({ username, password: 'correct horse ' + username }, '/register');
    step('sign-in', [user.username, session.state, await status(session)], [username, 'active', 200]);

    await told('/expire');
    const ten = await Promise.all(Array.from({ length: 10 }, () => status(session)));
    step('ten parallel requests cause one refresh', [ten, (await refreshes()).length], [Array(10).fill(200), 1]);

    await told('/expire');
    const body = 'the body'.repeat(100);
    const sent = await session.fetch(url, { method: 'POST', body, headers: { 'content-type': 'text/plain' } });
    step('a refused POST is sent again, with its body', [sent.status, (await sent.json()).body], [200, body]);

    await told('/lose');
    step('an answer of the refresh is lost', await code(session.refresh()), 'network');
    await told('/well');
    session.dispose();
    session = launch();
    await session.ready;
    step('a relaunch finds the user again', [session.state, session.user?.username], ['active', username]);
    step('and repeats the refresh', await code(session.refresh()), 'ok');
    const [lost, again] = (await refreshes()).slice(-2);
    step('with the key of the one that was lost', [again.key, again.generation], [lost.key, lost.generation]);

    await session.signOut();
    step('sign-out', [session.state, await status(session)], ['signed-out', 401]);
    const logouts = (await told('/log')).filter(entry => entry.path === '/logout').map(entry => entry.status);
    step('of which the server was told', logouts, [204]);
    session.dispose();
    session = launch();
    step('a relaunch knows of it', await until(session, 'signed-out'), 'signed-out');

    await session.signIn({ username, password: 'correct horse ' + username });
    await told('/fail');
    await told('/expire');
    const controller = new AbortController();
    const stopped = code(session.fetch(url, { signal: controller.signal }));
    await pause(100);
    controller.abort();
    const outcome = await stopped;
    step("the caller's signal ends its wait, or its request", ['AbortError', 'ok'].includes(outcome) || outcome, true);
    step('an outage answers with the 401, and keeps the session', [await status(session), session.state], [401, 'active']);
    await told('/well');
    await session.wake();
    step('and afterwards all goes on', [await code(session.refresh()), await status(session)], ['ok', 200]);

    await session.signOut();
    session.dispose();
  }

  try { await tell(); } catch (error) { step('the story ends', String(error?.stack || error), 'ends'); }
  return steps;
}
