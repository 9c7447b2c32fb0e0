// oidc-provider with rotation on and its adapter over SQLite, as its documentation describes one; without
// SYNCHRONOUS its own in memory.
//   node oidc.js seed DIR COUNT       makes COUNT grants, prints their refresh tokens
//   node oidc.js serve DIR PORT       SYNCHRONOUS=NORMAL or FULL; in memory: makes them itself, in DIR/tokens
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { Provider } from 'oidc-provider'

const [verb, dir, number] = process.argv.slice(2)
const SYNCHRONOUS = process.env.SYNCHRONOUS
let db

function open() {
	db = new Database(`${dir}/oidc.db`)
	db.pragma('journal_mode = WAL')
	db.pragma(`synchronous = ${SYNCHRONOUS}`)
	db.exec(`CREATE TABLE IF NOT EXISTS model(kind TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, grant_id TEXT, uid TEXT,
	  user_code TEXT, expires_at INTEGER, consumed INTEGER, PRIMARY KEY(kind, id));
	  CREATE INDEX IF NOT EXISTS model_grant ON model(grant_id)`)
}

function adapter() {
	const put = db.prepare(`INSERT INTO model(kind, id, payload, grant_id, uid, user_code, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)
	  ON CONFLICT(kind, id) DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at`)
	const by = column => db.prepare(`SELECT payload, expires_at, consumed FROM model WHERE kind = ? AND ${column} = ?`)
	const find = by('id'), findUid = by('uid'), findCode = by('user_code')
	const consume = db.prepare('UPDATE model SET consumed = ? WHERE kind = ? AND id = ?')
	const drop = db.prepare('DELETE FROM model WHERE kind = ? AND id = ?'), dropGrant = db.prepare('DELETE FROM model WHERE grant_id = ?')
	const now = () => Math.floor(Date.now() / 1000)
	const read = row => row && (!row.expires_at || row.expires_at > now())
		? { ...JSON.parse(row.payload), ...(row.consumed && { consumed: row.consumed }) } : undefined
	return class {
		constructor(kind) { this.kind = kind }
		async upsert(id, payload, life) {
			put.run(this.kind, id, JSON.stringify(payload), payload.grantId ?? null, payload.uid ?? null, payload.userCode ?? null, life ? now() + life : null)
		}
		async find(id) { return read(find.get(this.kind, id)) }
		async findByUid(uid) { return read(findUid.get(this.kind, uid)) }
		async findByUserCode(code) { return read(findCode.get(this.kind, code)) }
		async consume(id) { consume.run(now(), this.kind, id) }
		async destroy(id) { drop.run(this.kind, id) }
		async revokeByGrantId(id) { dropGrant.run(id) }
	}
}

function keys() { // the same at each start
	const file = `${dir}/jwks.json`
	if (!existsSync(file)) {
		const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
		writeFileSync(file, JSON.stringify({ keys: [{ ...key, use: 'sig', alg: 'ES256', kid: 'one' }] }))
	}
	return JSON.parse(readFileSync(file))
}

if (SYNCHRONOUS)
	open()
const provider = new Provider('http://127.0.0.1', {
	...(SYNCHRONOUS && { adapter: adapter() }),
	clients: [{
		client_id: 'app', token_endpoint_auth_method: 'none', application_type: 'native', redirect_uris: ['http://127.0.0.1/back'],
		grant_types: ['authorization_code', 'refresh_token'], id_token_signed_response_alg: 'ES256',
	}],
	jwks: keys(),
	cookies: { keys: [randomBytes(32).toString('hex')] },
	features: { devInteractions: { enabled: false } },
	findAccount: async (context, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
	rotateRefreshToken: true,
	ttl: { AccessToken: 900, IdToken: 900, RefreshToken: 30 * 86400, Grant: 60 * 86400 },
})

async function seed(count) {
	const client = await provider.Client.find('app'), tokens = []
	for (let i = 0; i < count; i++) {
		const grant = new provider.Grant({ accountId: `user${i}`, clientId: 'app' })
		grant.addOIDCScope('openid offline_access')
		const grantId = await grant.save()
		const now = Math.floor(Date.now() / 1000)
		const token = new provider.RefreshToken({ accountId: `user${i}`, client, grantId, gty: 'authorization_code', scope: 'openid offline_access',
			authTime: now, sessionUid: `session${i}`, expiresWithSession: false, claims: {} })
		tokens.push(await token.save())
	}
	return tokens
}

if (verb === 'seed') {
	for (const token of await seed(Number(number)))
		console.log(token)
	db.close()
} else {
	if (!SYNCHRONOUS)
		writeFileSync(`${dir}/tokens`, (await seed(100)).join('\n') + '\n')
	const server = provider.listen(Number(number), '127.0.0.1')
	process.on('SIGTERM', () => { server.closeAllConnections(); db?.close(); process.exit() })
}
