// A fault-injecting reverse proxy: what stands between the client and latchkey in every test.
//
//   const proxy = await openProxy({ upstream: {host, port}, module: 'text of session.js' });
//   proxy.when('/refresh', [Faults]...)    the next calls of that path meet these, one each
//   proxy.always('/refresh', fault)        every call until proxy.clear('/refresh')
//   proxy.expireAccess()                   access tokens issued so far are refused from now on
//   proxy.move()                           from now on the client is in another network
//   proxy.cors = origin                    answers as if cors_origins listed that origin
//   proxy.host = 'name'                    upstream is told that it was asked by that name
//   proxy.log                              [{path, status, body, key, user, at, fault, reply}]
//
// Faults: {status, json|html, headers} answered instead of asking upstream; {drop: true} the request
// reaches upstream but its answer is lost; {cut: true} nothing reaches upstream; {hang: true} never
// answers; {delay: ms} before upstream is asked; {late: ms} between upstream's answer and ours;
// {hold: promise} like late, until the promise settles; {until: promise} like delay; {before, after}: functions that are
// called before upstream is asked, and once it has answered; {change(reply)} changes upstream's answer.
//
// Chromium sends a request again by itself, a POST too, when a connection that it had open already
// ends without an answer or with a 408: a fault that must be seen by the page has to be an always().
//
// Beside /api/auth (passed on) it serves /session.js (the module under test), the scripts in `files` ({path: text}),
// /page (an empty page), and the API of an imaginary app under /app, whose access control is latchkey's /me:
// /app/echo (method, body), /app/always401, /app/slow?ms, /app/hang,
// /app/events (one event, then the end: an EventSource comes again).
import http from 'node:http';

const sleep = ms => new Promise(resolve => { setTimeout(resolve, ms); });

/* Each proxy is a client network of its own, no two of a process the same: what throttles sign-ins by network sees many. */
let networks = 0;
const elsewhere = () => '10.' + [16, 8, 0].map((bits, i) => (i ? networks : ++networks) >> bits & 255).join('.');

async function bodyOf(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

function parse(buffer) {
  try { return JSON.parse(buffer); } catch { return {}; }
}

export async function openProxy({ upstream, module, files = {}, port = 0 }) {
  const queued = new Map(), constant = new Map();
  const log = [], expired = new Set(), issued = new Set(), sockets = new Set();
  const proxy = { log, address: elsewhere(), offline: false, upstream, module, expired };

  const invalidToken = proxy.invalidToken = {
    status: 401, json: { error: { code: 'token_expired', message: 'expired' } },
    headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
  };

  function answer(res, { status, json, html, headers }) {
    const body = json ? JSON.stringify(json) : html || '';
    res.writeHead(status, {
      'Content-Type': json ? 'application/json' : 'text/html', 'Cache-Control': 'no-store', ...headers,
    });
    res.end(body);
  }

  function ask(req, path, method, body) {
    const headers = { ...req.headers, 'x-forwarded-for': proxy.address };
    delete headers['transfer-encoding'];     // the body was read whole
    if (proxy.host) headers.host = proxy.host;
    if (proxy.anonymous) for (const name of ['origin', 'sec-fetch-site']) delete headers[name];
    if (body.length || method === 'POST') headers['content-length'] = body.length;
    else for (const name of ['content-length', 'content-type']) delete headers[name];
    return new Promise((resolve, reject) => {
      const out = http.request({ ...proxy.upstream, path, method, headers, agent: false }, async response => {
        const { connection, 'keep-alive': kept, 'transfer-encoding': coding, ...end } = response.headers;   // hop by hop
        void [connection, kept, coding];
        try { resolve({ status: response.statusCode, headers: end, body: await bodyOf(response) }); }
        catch (error) { reject(error); }
      });
      out.on('error', reject);
      out.end(body);
    });
  }

  function note(reply) {
    const { data } = parse(reply.body);
    if (data?.access_token) issued.add(data.access_token);
    return data;
  }

  function faultFor(path, req) {
    const fault = queued.get(path)?.shift() || constant.get(path);
    if (fault || ['/refresh', '/login', '/logout', '/register'].includes(path)) return fault || {};
    const token = (req.headers.authorization || '').slice(7) || /latchkey-access-[0-9a-f]{8}=([^;]+)/.exec(req.headers.cookie || '')?.[1];
    return expired.has(token) ? invalidToken : {};
  }

  async function relay(req, res, path, entry) {
    const fault = faultFor(path, req);
    entry.fault = fault;
    if (fault.hang) return;
    if (fault.cut) return void res.destroy();
    if (fault.delay) await sleep(fault.delay);
    await fault.until;
    if (fault.status) return answer(res, { ...fault, status: entry.status = fault.status });
    fault.before?.();
    const reply = await ask(req, req.url, req.method, entry.raw).finally(() => fault.after?.());
    fault.change?.(reply);
    entry.status = reply.status;
    entry.data = note(reply);
    entry.reply = parse(reply.body);
    entry.setCookie = reply.headers['set-cookie'];
    if (fault.drop) return void res.destroy();
    if (fault.late) await sleep(fault.late);
    await fault.hold;
    res.writeHead(reply.status, reply.headers);
    res.end(reply.body);
  }

  /* The app's API: what it does is decided by latchkey's word on the token. */
  async function app(req, res, path, entry, url) {
    const fault = faultFor(path, req);
    if (fault.hang || path === '/app/hang') return;
    await fault.hold;
    if (path === '/app/slow') await sleep(Number(url.searchParams.get('ms')));
    if (path === '/app/always401') return answer(res, { ...invalidToken, status: entry.status = 401 });
    if (path === '/app/plain401') return answer(res, { status: entry.status = 401, json: { no: 'your own 401' } });
    if (fault.status) return answer(res, { ...fault, status: entry.status = fault.status });
    const me = await ask(req, '/api/auth/me', 'GET', Buffer.alloc(0));
    entry.status = me.status;
    if (me.status !== 200) {
      res.writeHead(me.status, me.headers);
      return void res.end(me.body);
    }
    entry.user = parse(me.body).data.username ?? parse(me.body).data.user?.username;
    if (path === '/app/events') return answer(res, { status: 200, html: `retry: 100\ndata: ${entry.user}\n\n`, headers: { 'Content-Type': 'text/event-stream' } });
    answer(res, { status: 200, json: { user: entry.user, method: req.method, type: req.headers['content-type'], body: entry.raw.toString('latin1') } });
  }

  const server = http.createServer(async (req, res) => {
    const url = new URL(req.url, 'http://proxy');
    const path = url.pathname.replace(/^\/api\/auth/, '');
    if (proxy.offline) return void res.destroy();
    if (proxy.cors) {
      for (const [name, value] of [['Origin', proxy.cors], ['Credentials', 'true'], ['Headers', 'content-type, authorization, dpop']])
        res.setHeader('Access-Control-Allow-' + name, value);
      res.setHeader('Access-Control-Expose-Headers', 'DPoP-Nonce, Retry-After, WWW-Authenticate');
      if (req.method === 'OPTIONS') return void res.writeHead(204).end();
    }
    if (path === '/session.js') return answer(res, { status: 200, html: proxy.module, headers: { 'Content-Type': 'text/javascript' } });
    if (files[path]) return answer(res, { status: 200, html: files[path], headers: { 'Content-Type': 'text/javascript' } });
    if (path === '/page') return answer(res, { status: 200, html: '<!doctype html><title>page</title>' });
    const raw = await bodyOf(req).catch(() => null);
    if (!raw) return;
    const body = parse(raw);
    const entry = { path, method: req.method, at: Date.now(), raw, body, key: body.idempotency_key, url: req.url, headers: req.headers };
    log.push(entry);
    try {
      if (url.pathname.startsWith('/app/')) await app(req, res, path, entry, url);
      else await relay(req, res, path, entry);
    } catch (error) {
      entry.error = error;
      res.destroy();
    } finally { entry.done = Date.now(); }
  });
  server.on('connection', socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.keepAliveTimeout = 60e3;

  Object.assign(proxy, {
    when(path, ...faults) { queued.set(path, [...queued.get(path) || [], ...faults]); },
    always(path, fault) { constant.set(path, fault); },
    clear(path) { queued.delete(path); constant.delete(path); },
    move() { proxy.address = elsewhere(); },
    expireAccess() { for (const token of issued) expired.add(token); },
    count(path, since = 0) { return log.filter(e => e.path === path && e.at >= since).length; },
    of(path) { return log.filter(e => e.path === path); },
    cutSockets() { for (const socket of sockets) socket.destroy(); },
    close() { proxy.cutSockets(); return new Promise(resolve => { server.close(resolve); }); },
  });
  await new Promise(resolve => { server.listen(port, '127.0.0.1', resolve); });
  proxy.port = server.address().port;
  proxy.origin = `http://localhost:${proxy.port}`;
  return proxy;
}
