// An Express server with JWT access tokens and rotating refresh tokens in SQLite, as the tutorials write it:
// a row for each token, the reuse of one ends its family, in a transaction.
//   node express.js seed DIR COUNT       makes COUNT sessions, prints their refresh tokens
//   node express.js serve DIR PORT       SYNCHRONOUS=NORMAL or FULL
import { randomUUID } from 'node:crypto'
import Database from 'better-sqlite3'
import express from 'express'
import jwt from 'jsonwebtoken'

const [verb, dir, number] = process.argv.slice(2)
const ACCESS_SECRET = 'access secret of at least thirty-two bytes', REFRESH_SECRET = 'refresh secret of at least thirty-two bytes'
const MONTH = 30 * 86400

const db = new Database(`${dir}/express.db`)
db.pragma('journal_mode = WAL')
db.pragma(`synchronous = ${process.env.SYNCHRONOUS ?? 'NORMAL'}`)
db.exec(`CREATE TABLE IF NOT EXISTS refresh_tokens(id TEXT PRIMARY KEY, family TEXT NOT NULL, user TEXT NOT NULL,
  used INTEGER NOT NULL DEFAULT 0, revoked INTEGER NOT NULL DEFAULT 0, expires_at INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS refresh_family ON refresh_tokens(family)`)
const find = db.prepare('SELECT * FROM refresh_tokens WHERE id = ?')
const add = db.prepare('INSERT INTO refresh_tokens(id, family, user, expires_at) VALUES (?, ?, ?, ?)')
const use = db.prepare('UPDATE refresh_tokens SET used = 1 WHERE id = ?')
const revoke = db.prepare('UPDATE refresh_tokens SET revoked = 1 WHERE family = ?')

function issue(user, family) {
	const id = randomUUID()
	add.run(id, family, user, Math.floor(Date.now() / 1000) + MONTH)
	return jwt.sign({ sub: user, family }, REFRESH_SECRET, { jwtid: id, expiresIn: MONTH })
}

const rotate = db.transaction(claims => {
	const row = find.get(claims.jti)
	if (!row || row.revoked || row.expires_at * 1000 < Date.now())
		return null
	if (row.used) {
		revoke.run(row.family)
		return null
	}
	use.run(row.id)
	return issue(row.user, row.family)
})

function refresh(request, response) {
	let claims
	try {
		claims = jwt.verify(request.body?.refreshToken, REFRESH_SECRET, { algorithms: ['HS256'] })
	} catch {
		return response.status(401).json({ error: 'invalid token' })
	}
	const refreshToken = rotate.immediate(claims)
	if (!refreshToken)
		return response.status(401).json({ error: 'invalid token' })
	response.json({ accessToken: jwt.sign({ sub: claims.sub }, ACCESS_SECRET, { expiresIn: 900 }), refreshToken })
}

if (verb === 'seed') {
	for (let i = 0; i < Number(number); i++)
		console.log(issue(`user${i}`, randomUUID()))
	db.close()
} else {
	const server = express().disable('x-powered-by').disable('etag').use(express.json()).post('/refresh', refresh).listen(Number(number), '127.0.0.1')
	process.on('SIGTERM', () => { server.closeAllConnections(); db.close(); process.exit() })
}
