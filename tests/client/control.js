// What a story that runs in another process, or in another language, asks of its proxy, by GET. Answers are JSON.
//   const server = await openControl(proxy);  server.url + '/expire'
import crypto from 'node:crypto';
import http from 'node:http';

export async function openControl(proxy) {
  const busy = { status: 503, json: { error: { code: 'busy', message: '' } } };
  const refreshes = () => proxy.of('/refresh');
  let release;

  async function direct(path, { token, method = 'POST', body }) {
    const { host, port } = proxy.upstream;
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': proxy.address, ...token && { authorization: 'Bearer ' + token } };
    return (await fetch(`http://${host}:${port}/api/auth${path}`, { method, headers, body: body && JSON.stringify(body) })).status;
  }

  const deeds = {
    /* A new user; the password is 'correct horse ' and the name. */
    async '/user'() {
      const username = 'r' + crypto.randomBytes(8).toString('hex');
      await direct('/register', { body: { username, password: 'correct horse ' + username } });
      return username;
    },
    '/expire': () => proxy.expireAccess(),
    '/lose': () => proxy.always('/refresh', { drop: true }),
    '/fail': () => proxy.always('/refresh', busy),
    '/well': () => proxy.clear('/refresh'),
    '/offline': () => { proxy.offline = true; },
    '/online': () => { proxy.offline = false; },
    /* The next refresh is judged, and its answer kept back from /hold to /release; /held waits until it is judged. */
    '/hold': () => proxy.when('/refresh', { hold: new Promise(resolve => { release = resolve; }) }),
    async '/held'() { while (!refreshes().at(-1)?.status || refreshes().at(-1).done) await new Promise(r => { setTimeout(r, 10); }); },
    '/release': () => release(),
    /* Ends the session that was granted last. */
    async '/revoke'() {
      const { access_token: token, session } = proxy.log.filter(entry => entry.data?.access_token).at(-1).data;
      return direct('/sessions/' + session.id, { token, method: 'DELETE' });
    },
    '/count': () => refreshes().length,
    '/keys': () => new Set(refreshes().map(entry => entry.key)).size,
    '/refused': () => refreshes().filter(entry => entry.status === 401).length,
    '/logout': () => proxy.of('/logout').at(-1)?.status,
    '/log': () => proxy.log.map(({ path, status, key, data }) => ({ path, status, key, generation: data?.generation })),
  };
  const server = http.createServer(async (req, res) => {
    const answer = await deeds[req.url]();
    res.writeHead(200, { 'Content-Type': 'application/json', 'Access-Control-Allow-Origin': '*' });
    res.end(JSON.stringify(answer ?? null));
  });
  server.keepAliveTimeout = 120e3;                // who asks seldom, on a busy machine, must not meet the end of a connection
  await new Promise(resolve => { server.listen(0, '127.0.0.1', resolve); });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close() { server.closeAllConnections(); server.close(); },
  };
}
