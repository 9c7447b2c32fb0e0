// better-auth with its OAuth provider, which rotates, over SQLite by better-sqlite3.
//   node better.js seed DIR COUNT       makes COUNT users and signs them in, prints their refresh tokens
//   node better.js serve DIR PORT
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { oauthProvider } from '@better-auth/oauth-provider'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import { jwt } from 'better-auth/plugins'
import Database from 'better-sqlite3'

const [verb, dir, number] = process.argv.slice(2)
const ORIGIN = 'http://127.0.0.1', BACK = 'https://app.example/back'

const db = new Database(`${dir}/better.db`)
db.pragma('journal_mode = WAL')
db.pragma(`synchronous = ${process.env.SYNCHRONOUS ?? 'NORMAL'}`)
const auth = betterAuth({
	database: db,
	baseURL: ORIGIN,
	secret: 'a secret of at least thirty-two bytes, for these figures',
	emailAndPassword: { enabled: true },
	rateLimit: { enabled: false },
	telemetry: { enabled: false },
	logger: { disabled: true },
	plugins: [jwt(), oauthProvider({ loginPage: '/login', consentPage: '/consent' })],
})

const call = (path, init) => auth.handler(new Request(`${ORIGIN}/api/auth${path}`, init))
const post = (path, body, headers = {}) => call(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', origin: ORIGIN, ...headers } })

async function signUp(i) { // its cookie
	const answer = await post('/sign-up/email', { email: `${randomBytes(6).toString('hex')}@example.org`, password: 'correct horse', name: `user ${i}` })
	return answer.headers.getSetCookie().map(cookie => cookie.split(';')[0]).join('; ')
}

async function client(cookie) { // the same for all
	const file = `${dir}/client`
	if (!existsSync(file)) {
		const made = await auth.api.adminCreateOAuthClient({ headers: new Headers({ cookie }), body: { redirect_uris: [BACK], token_endpoint_auth_method: 'none',
			skip_consent: true, scope: 'openid offline_access', grant_types: ['authorization_code', 'refresh_token'] } })
		writeFileSync(file, made.client_id)
	}
	return readFileSync(file, 'utf8')
}

async function signIn(id, cookie) { // authorization code with PKCE
	const verifier = randomBytes(32).toString('base64url')
	const query = new URLSearchParams({ client_id: id, response_type: 'code', redirect_uri: BACK, scope: 'openid offline_access', state: 'state',
		code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' })
	const asked = await call(`/oauth2/authorize?${query}`, { headers: { cookie, accept: 'text/html' } })
	const code = new URL(asked.headers.get('location') ?? (await asked.json()).url).searchParams.get('code')
	const answer = await call('/oauth2/token', { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' },
		body: new URLSearchParams({ grant_type: 'authorization_code', client_id: id, code, redirect_uri: BACK, code_verifier: verifier }) })
	const token = (await answer.json()).refresh_token
	if (!token)
		throw new Error(`no refresh token: ${answer.status}`)
	return token
}

if (verb === 'seed') {
	await (await getMigrations(auth.options)).runMigrations()
	for (let i = 0; i < Number(number); i++) {
		const cookie = await signUp(i)
		console.log(await signIn(await client(cookie), cookie))
	}
	db.close()
	process.exit()
} else {
	const server = createServer(toNodeHandler(auth)).listen(Number(number), '127.0.0.1')
	process.on('SIGTERM', () => { server.closeAllConnections(); db.close(); process.exit() })
}
