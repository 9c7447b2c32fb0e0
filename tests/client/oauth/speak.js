// What a driver of a client says to its test: a line of JSON in, {"do":"refresh", …}, a line out, {"ok":…} or {"error":"why"}.
//   speak({ begin, finish, refresh, revoke })
// What a driver is for is in stage.js; where its server and its registration are, it is told by the environment.
import readline from 'node:readline';

export const { ISSUER: issuer, CLIENT_ID: id, CLIENT_SECRET: secret, REDIRECT_URI: redirectUri, PORT: port } = process.env;
export const origin = `http://127.0.0.1:${port}`;
export const SCOPE = 'openid profile email offline_access';

/* Errors of these libraries hide the server's words one or two floors down. */
function words(error) {
  const said = [];
  for (let at = error; at && said.length < 5; at = at.cause ?? at.data) {
    said.push(at.error, at.error_description, at.parsedBody && JSON.stringify(at.parsedBody), at.body && JSON.stringify(at.body), at.data?.payload && JSON.stringify(at.data.payload), typeof at === 'string' ? at : at.message);
  }
  return [...new Set(said.filter(part => typeof part === 'string'))].join(' | ') || String(error);
}

export async function speak(deeds) {
  console.log(JSON.stringify({ ok: 'ready' }));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { do: deed, ...args } = JSON.parse(line);
    let said;
    try { said = { ok: await deeds[deed](args) ?? null }; } catch (error) { said = { error: words(error) }; }
    console.log(JSON.stringify(said));
  }
  process.exit();
}
