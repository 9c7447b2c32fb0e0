/* The demo: a session of session.js made visible. It wraps `fetch` and the clock, as any app may,
 * to lose answers, cut the network and let time jump; the client itself is the one that is shipped. */
import { createSession } from './session.min.js';

const API = 'api/auth';
const $ = id => document.getElementById(id);

let session;
let skew = 0;                    // "expire now" moves the client's clock
let offline = false, losing = false;
let cause = null;                // what the user asked for, while it runs
let bursts = [];                 // [{title, who, at, rows: [{label, kind, start, sent, end, result, bad}]}]
let restored = false;            // this page load found a session, and nothing has happened since
const chain = [];                // [{generation, note, look}]

const now = () => performance.now();

// ---- the world between the client and the server

async function network(input, init) {
  const url = new URL(input.url || input, location.href);
  const row = rowFor(url, init);
  row.sent ??= now();
  if (offline) {
    finish(row, 'no network', true);
    throw new TypeError('offline');
  }
  try {
    const response = await fetch(input, init);
    await passOrLose(url, response.clone());
    finish(row, describe(response), !response.ok);
    return response;
  } catch (error) {
    if (!row.end) finish(row, error.lost || 'no answer', true);
    throw error;
  }
}

async function passOrLose(url, response) {
  if (!losing || !url.pathname.endsWith('/refresh') || !response.ok) return;
  losing = false;
  press('lose', false);
  askAgainIn(5);
  const { data } = await response.json();
  addKey(data.generation, 'made, but the answer got lost', 'lost');
  tell(`The server made key ${data.generation}, but its answer never arrived. session.js still holds the random key of that request, and asks again with it.`);
  throw Object.assign(new TypeError('lost'), { lost: `lost: key ${data.generation}` });
}

/* Nothing is hurt by asking again, so this page does it soon, and counts the seconds. */
let countdown;
function askAgainIn(seconds) {
  clearInterval(countdown);
  const say = () => { $('hint').textContent = `Refresh once more, or wait: this page asks again in ${seconds} s.`; };
  say();
  countdown = setInterval(() => {
    if (chain.at(-1)?.look !== 'lost') return clearInterval(countdown);
    if (--seconds) return say();
    clearInterval(countdown);
    $('hint').textContent = 'Asked again, with the same random key.';
    because('Asked again', 'this page, after the pause', () => session.refresh());
  }, 1000);
}

const describe = response => response.ok ? String(response.status) : `${response.status} refused`;

function rowFor(url, init) {
  const known = cause?.rows.find(row => row.url === url.href);
  if (known) return known;
  const path = url.pathname.split('/').slice(-2).join('/').replace('auth/', '');
  const kind = path === 'refresh' ? 'refresh' : 'request';
  const row = { label: kind === 'refresh' ? 'refresh' : `${init?.method || 'GET'} ${path}`, kind, start: now() };
  (cause || (kind === 'refresh' ? burst('Refresh', 'session.js, by itself') : burst('Request', 'this page'))).rows.push(row);
  return row;
}

function finish(row, result, bad) {
  row.end = now();
  row.result = result;
  row.bad = bad;
  draw();
}

// ---- what happened

function burst(title, who) {
  const one = { title, who, at: new Date(), rows: [] };
  bursts = [one, ...bursts].slice(0, 12);
  return one;
}

async function because(title, who, work) {
  const mine = cause = burst(title, who);
  try { await work(mine); } catch (error) { tellError(error); }
  if (cause === mine) cause = null;
  draw();
}

function node(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function bar(kind, from, to, start, span) {
  const made = node('i', { className: kind });
  made.style.left = `${(from - start) / span * 100}%`;
  made.style.width = `${Math.max(0, to - from) / span * 100}%`;
  return made;
}

function drawRow(row, start, span) {
  const end = row.end ?? now(), sent = row.sent ?? end;
  const track = node('span', { className: 'track', ariaHidden: 'true' });
  if (row.start != null) {
    if (sent - row.start > 5) track.append(bar('wait', row.start, sent, start, span));
    if (row.sent) track.append(bar(row.bad ? 'lost' : row.kind === 'refresh' ? 'turn' : 'send', sent, end, start, span));
  }
  const waited = row.sent && row.sent - row.start > 5 ? `, waited ${ms(row.sent - row.start)}` : '';
  return node('li', { className: `${row.kind} ${row.bad ? 'bad' : ''}` },
    node('span', { textContent: row.label }), track,
    node('span', {}, row.result || (row.start == null ? '' : 'waits'), node('small', { textContent: row.result && row.kind !== 'refresh' ? waited : '' })));
}

function drawBurst({ title, who, at, rows }) {
  const timed = rows.filter(row => row.start != null);
  const start = Math.min(...timed.map(row => row.start));
  const span = Math.max(60, ...timed.map(row => (row.end ?? now()) - start));
  const order = [...rows].sort((a, b) => (b.kind === 'refresh') - (a.kind === 'refresh'));
  return node('li', {}, node('h3', {}, node('time', { textContent: at.toLocaleTimeString() }), title, node('em', { textContent: who })),
    node('ul', {}, ...order.map(row => drawRow(row, start, span))));
}

function draw() {
  $('log').replaceChildren(...bursts.map(drawBurst));
  $('log-empty').hidden = bursts.length > 0;
}

const ms = value => value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;

// ---- the chain

function addKey(generation, note, look) {
  for (const key of chain) if (key.look === 'current') Object.assign(key, { look: 'spent', note: 'used once' });
  const same = chain.find(key => key.generation === generation);
  for (const key of chain) if (key.look === 'lost' && key !== same) Object.assign(key, { look: 'spent', note: 'its cookie had arrived' });
  if (same) Object.assign(same, { note, look });
  else chain.push({ generation, note, look });
  drawChain();
}

function drawChain() {
  const icon = () => {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
    svg.setAttribute('aria-hidden', 'true');
    use.setAttribute('href', '#key');
    svg.append(use);
    return svg;
  };
  const room = Math.max(2, Math.floor($('chain').clientWidth / (innerWidth < 480 ? 88 : 138)) - 1);
  const last = chain.at(-1);
  const next = { generation: last.generation + 1, look: 'next', note: last.look === 'dead' ? 'never made' : `made when ${last.generation} is used` };
  const shown = last.look === 'lost' ? chain.slice(-room - 1) : [...chain.slice(-room), next];
  $('chain').replaceChildren(...shown.map(({ generation, note, look }) =>
    node('li', { className: look }, icon(), node('b', { textContent: generation }), note)));
}

const tell = text => { $('story').textContent = text; };
function tellError(error) {
  if (error.code && chain.at(-1)?.look !== 'lost') tell(`That did not work: ${error.code}.${error.transient ? ' The session is kept, and tried again.' : ''}`);
}

// ---- events of the session

function onState({ state, prev, reason }) {
  $('state').textContent = { stale: 'stale: waiting for the network' }[state] || state;
  $('state').dataset.state = state;
  const inside = state === 'active' || state === 'stale';
  const was = !$('app').hidden;
  $('app').hidden = !inside;
  $('sign-in').hidden = inside;
  $('alert').hidden = true;
  if (!inside) return showSignIn(state, reason);
  if (!was || chain.at(0)?.session !== session.id) enter(prev);
  if (state === 'stale') tell('The access token has run out and cannot be renewed right now. Nobody is signed out: requests wait.');
  drawUser();
}

function enter(prev) {
  chain.length = 0;
  addKey(session.generation, 'current', 'current');
  chain[0].session = session.id;
  restored = prev === 'loading';
  tell(restored
    ? `Signed in since your last visit: the session was restored with no question asked. Key ${session.generation} waits for its turn.`
    : `Signed in. Key ${session.generation} opens the door once; then it is traded for key ${session.generation + 1}.`);
  listSessions();
  $('main').focus({ preventScroll: true });
}

const REASONS = {
  session_revoked: 'This session was revoked. Sign in again.',
  refresh_reused: 'A key that was already used came back: somebody has a copy. The session was ended to protect you.',
  refresh_expired: 'The session came to its end. Sign in again.',
  refresh_invalid: 'The server no longer knows this session. Sign in again.',
};

function showSignIn(state, reason) {
  const text = REASONS[reason] || '';
  $('sign-in-title').textContent = state === 'locked' ? `Welcome back, ${session.user?.username}` : 'Sign in';
  $('sign-in-why').textContent = text;
  $('sign-in-why').hidden = state !== 'locked';
  if (state === 'locked') $('form').elements.username.value = session.user?.username || '';
  $('form').elements[state === 'locked' ? 'password' : 'username'].focus();
}

function onRefreshed({ generation, by }) {
  const again = chain.some(key => key.generation === generation && key.look === 'lost');
  addKey(generation, again ? 'the same one again' : by === 'peer' ? 'by another tab' : 'current', 'current');
  if (by === 'peer') {
    burst('Another tab refreshed', 'and told this one').rows.push({ label: 'refresh', kind: 'refresh', result: `key ${generation}` });
    tell(`Another tab turned the key. This tab read key ${generation} from storage instead of asking the server.`);
  } else if (again) tell(`Asked again with the same random key, the server gave the same successor: key ${generation}. Nobody was signed out by the lost answer.`);
  else if (restored) tell(`Signed in since your last visit: the session was restored with no question asked. A page keeps its access token in memory alone, so key ${generation - 1} was traded for a new one and for key ${generation}.`);
  else tell(`Key ${generation - 1} was traded for key ${generation}. Whoever shows key ${generation - 1} from now on holds a copy.`);
  restored = false;
  const row = bursts.flatMap(one => one.rows).find(one => one.kind === 'refresh' && one.result === '200');
  if (row) Object.assign(row, { result: `key ${generation}`, end: now() });
  draw();
  drawUser();
}

function onExpiring({ kind, ms: leftover }) {
  $('alert').textContent = kind === 'session'
    ? `This session ends in ${clock(leftover)}. Save your work; then sign in again.`
    : `Without a connection this session is lost in ${clock(leftover)}.`;
  $('alert').hidden = false;
}

function connect(mode) {
  session?.dispose();
  localStorage.setItem('latchkey-demo', mode);
  session = createSession({
    base: new URL(API, location.href).href, mode, storage: localStorage, name: 'latchkey-' + mode,
    fetch: network, now: () => Date.now() + skew, queueTimeout: 60e3,
  });
  session.on('state', onState);
  session.on('refreshed', onRefreshed);
  session.on('expiring', onExpiring);
  return session.ready;
}

// ---- clocks and user

function clock(value) {
  const s = Math.max(0, Math.ceil(value / 1000));
  if (s >= 172800) return `${Math.round(s / 86400)} days`;
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return h ? `${h} h ${String(m).padStart(2, '0')} min` : `${m}:${String(s % 60).padStart(2, '0')}`;
}

/* A bar is full at what its deadline was when the generation began. */
const longest = {};
function drawClock(id, value, none, note) {
  const box = $('clock-' + id), [number, meter, text] = [box.querySelector('b'), box.querySelector('.bar'), box.querySelector('p')];
  const start = `${session.id} ${id === 'session' ? '' : session.generation}`;
  if (longest[id]?.start !== start) longest[id] = { start, value: 1 };
  longest[id].value = Math.max(longest[id].value, value || 0);
  const share = value == null ? 1 : value / longest[id].value;
  number.textContent = value == null ? none : value > 0 ? clock(value) : 'expired';
  meter.firstChild.style.width = `${share * 100}%`;
  meter.className = `bar ${share < .34 ? 'low' : ''} ${value === 0 ? 'out' : ''}`;
  meter.ariaValueNow = Math.round(share * 100);
  meter.ariaValueText = number.textContent;
  if (note) text.textContent = note;
}

function drawClocks() {
  if (!session || $('app').hidden) return;
  drawClock('access', session.expiresIn, '', session.expiresIn > 0 ? 'renewed by itself in the shaded part' : 'a request will wait for the next one');
  const lead = Math.min(300e3 / longest.access.value, .5);
  $('clock-access').querySelector('s').style.width = `${lead * 100}%`;
  drawClock('idle', session.idleExpiresIn, 'none');
  drawClock('session', session.sessionExpiresIn, 'no limit', `signed in ${clock(session.age)} ago`);
  if (bursts.some(one => one.rows.some(row => row.start != null && !row.end))) draw();
}

function drawUser() {
  const { user } = session, plan = user?.subscription;
  $('who').textContent = user ? user.username : '';
  const rows = [['Name', user?.username], ['Session', session.id], ['Generation', session.generation],
    ['Token kept', localStorage.getItem('latchkey-demo') === 'body' ? 'in storage' : 'in an HttpOnly cookie']];
  const list = rows.flatMap(([name, value]) => [node('dt', { textContent: name }), node('dd', { textContent: value })]);
  const label = plan ? node('span', { className: 'plan', textContent: plan.plan || 'set' }) : 'none';
  list.push(node('dt', { textContent: 'Subscription' }), node('dd', {}, label, plan?.status ? ` ${plan.status}` : ''));
  $('user').replaceChildren(...list);
}

// ---- sessions

const when = seconds => {
  const ago = Math.max(0, Date.now() / 1000 - seconds);
  return ago < 60 ? 'just now' : `${clock(ago * 1000).replace(/^(\d+):.*/, '$1 min')} ago`;
};

const browser = agent => (/(Firefox|Edg|Chrome|Safari|curl)\b/.exec(agent || '') || ['', 'unknown'])[1].replace('Edg', 'Edge');

async function listSessions() {
  try {
    const response = await session.fetch(API + '/sessions');
    if (!response.ok) return;
    const { data } = await response.json();
    $('sessions').replaceChildren(...data.map(drawSession));
  } catch (error) { tellError(error); }
}

function drawSession(one) {
  const name = one.device || browser(one.user_agent);
  const last = one.current ? node('span', { className: 'here', textContent: 'this one' }) : node('button', { className: 'small', textContent: 'Revoke' });
  const revoke = node('button', { className: 'small', textContent: 'Revoke', onclick: () => revokeSession(one, name) });
  revoke.setAttribute('aria-label', `Revoke ${name}${one.current ? ' (this session)' : ''}`);
  return node('tr', {}, node('td', {}, name, ' ', ...one.current ? [last] : []),
    node('td', { textContent: when(one.last_used_at) }), node('td', { textContent: when(one.created_at) }), node('td', {}, revoke));
}

function revokeSession(one, name) {
  return because(`Revoke ${name}`, 'you', async () => {
    await session.fetch(`${API}/sessions/${one.id}`, { method: 'DELETE' });
    if (one.current) await session.refresh().catch(() => 0);
    else await listSessions();
  });
}

// ---- the thief

/* What a copied key is worth: the thief takes it from storage, as a page with a hole would let him, trades it as its owner does,
 * and goes on with the successor. Then its owner comes with the old one. */
async function steal(mine) {
  const stolen = JSON.parse(localStorage.getItem('latchkey-body') || '{}').refresh;
  if (session.id == null || !stolen || localStorage.getItem('latchkey-demo') !== 'body')
    return tell('No script can copy this key: it is in an HttpOnly cookie. To see a theft, sign out and sign in with “Storage of the app”.');
  const trade = async (refresh_token, label) => {
    const row = { label, kind: 'refresh', start: now(), sent: now() };
    mine.rows.push(row);
    const response = await fetch(API + '/refresh', { method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refresh_token, idempotency_key: crypto.randomUUID() }) });
    const { data, error } = await response.json();
    finish(row, data ? `key ${data.generation}` : error.code, !data);
    return data;
  };
  const first = await trade(stolen, 'thief');
  const second = first && await trade(first.refresh_token, 'thief');
  tell(`The thief has traded your key for key ${first?.generation}, and that one for key ${second?.generation}. Now you come with the old one.`);
  await session.refresh().catch(() => 0);
  if (second) await trade(second.refresh_token, 'thief');
}

// ---- buttons

function press(id, on) { $(id).setAttribute('aria-pressed', on); }

function askTen(mine) {
  const urls = Array.from({ length: 10 }, (_, i) => new URL(`${API}/me?${bursts.length}.${i + 1}.${Math.round(now())}`, location.href).href);
  mine.rows.push(...urls.map((url, i) => ({ label: `request ${i + 1}`, kind: 'request', url, start: now() })));
  draw();
  return Promise.all(mine.rows.filter(row => row.url).map(row => session.fetch(row.url)
    .then(response => response.text(), error => finish(row, error.code || error.name, true))));
}

const actions = {
  ten: () => because('Ten parallel requests', 'you', askTen),
  expire: () => because('Ten requests with an expired token', 'you', mine => {
    skew += Math.max(0, session.expiresIn) + 1000;
    drawClocks();
    return askTen(mine);
  }),
  refresh: () => because('Refresh', 'you', () => session.refresh()),
  reload: () => because('List of sessions', 'you', listSessions),
  lose() {
    losing = !losing;
    press('lose', losing);
    $('hint').textContent = losing ? 'Now refresh: the server will answer, and nobody will hear it.' : 'The next answer will arrive.';
  },
  steal: () => because('A thief with a copy of the key', 'the thief', steal),
  offline() {
    offline = !offline;
    press('offline', offline);
    $('offline').textContent = offline ? 'Back online' : 'Go offline';
    $('hint').textContent = offline ? 'Nothing gets through. Expire the token and ask: the requests wait, nobody is signed out.' : 'Back: what waited goes out, after one refresh.';
    if (!offline) because('Back online', 'the network', () => session.wake());
  },
  'sign-out': () => because('Sign out', 'you', () => session.signOut()),
  'sign-out-all': () => because('Sign out everywhere', 'you', () => session.signOut({ all: true })),
};
for (const [id, action] of Object.entries(actions)) $(id).addEventListener('click', action);

const PROBLEMS = {
  invalid_credentials: 'Unknown user or wrong password.', username_taken: 'That name is taken.',
  weak_password: 'That password is too short or too common.', signup_disabled: 'Accounts are made by the operator here.',
  rate_limited: 'Too many tries. Wait a little.', network: 'The server cannot be reached.',
};

$('form').addEventListener('submit', async event => {
  event.preventDefault();
  const { username, password, mode } = Object.fromEntries(new FormData($('form')));
  const path = event.submitter?.value === 'register' ? '/register' : '/login';
  $('problem').textContent = '';
  try {
    if (mode !== localStorage.getItem('latchkey-demo')) await connect(mode);
    cause = burst(path === '/login' ? 'Sign in' : 'New account', 'you');
    await session.signIn({ username, password: password.normalize(), device: browser(navigator.userAgent) }, path);
    $('form').reset();
    $('form').elements.mode.value = mode;
  } catch (error) { $('problem').textContent = PROBLEMS[error.code] || `That did not work (${error.code || error.name}).`; }
  cause = null;
});

$('form').addEventListener('input', () => { $('problem').textContent = ''; });
addEventListener('resize', drawChain);
setInterval(drawClocks, 250);
document.forms[0].elements.mode.value = localStorage.getItem('latchkey-demo') || 'cookie';
await connect(localStorage.getItem('latchkey-demo') || 'cookie');
