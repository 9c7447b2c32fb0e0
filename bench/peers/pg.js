// The server of express.js with PostgreSQL in place of SQLite: a row for each token, reuse ends the family. A refresh is one
// prepared statement, so one trip to the database and one transaction; the pool goes over its unix socket.
//   node pg.js seed DIR COUNT       makes COUNT sessions, prints their refresh tokens
//   node pg.js serve DIR PORT       the cluster's socket is in DIR/pg
import { randomUUID } from 'node:crypto'
import express from 'express'
import jwt from 'jsonwebtoken'
import pg from 'pg'

const [verb, dir, number] = process.argv.slice(2)
const ACCESS_SECRET = 'access secret of at least thirty-two bytes', REFRESH_SECRET = 'refresh secret of at least thirty-two bytes'
const MONTH = 30 * 86400

const pool = new pg.Pool({ host: `${dir}/pg`, user: 'peers', database: 'postgres', max: 10 })
const TABLE = `CREATE TABLE IF NOT EXISTS refresh_tokens(id uuid PRIMARY KEY, family uuid NOT NULL, user_id text NOT NULL,
  used boolean NOT NULL DEFAULT false, revoked boolean NOT NULL DEFAULT false, expires_at timestamptz NOT NULL);
  CREATE INDEX IF NOT EXISTS refresh_family ON refresh_tokens(family)`
const ADD = 'INSERT INTO refresh_tokens(id, family, user_id, expires_at) VALUES ($1, $2, $3, $4)'
const ROTATE = { name: 'rotate', text: `WITH spent AS (
  UPDATE refresh_tokens SET used = true WHERE id = $1 AND NOT used AND NOT revoked AND expires_at > now() RETURNING family, user_id)
  INSERT INTO refresh_tokens(id, family, user_id, expires_at) SELECT $2, family, user_id, $3 FROM spent RETURNING user_id` }
const REVOKE = 'UPDATE refresh_tokens SET revoked = true WHERE family = (SELECT family FROM refresh_tokens WHERE id = $1 AND used)'
const later = () => new Date(Date.now() + MONTH * 1000)
const sign = (user, jwtid) => jwt.sign({ sub: user }, REFRESH_SECRET, { jwtid, expiresIn: MONTH })

async function rotate(id) { // the new pair, or null
	const next = randomUUID()
	const { rows: [spent] } = await pool.query({ ...ROTATE, values: [id, next, later()] })
	if (!spent) {
		await pool.query(REVOKE, [id])
		return null
	}
	return { accessToken: jwt.sign({ sub: spent.user_id }, ACCESS_SECRET, { expiresIn: 900 }), refreshToken: sign(spent.user_id, next) }
}

async function refresh(request, response) {
	let claims
	try {
		claims = jwt.verify(request.body?.refreshToken, REFRESH_SECRET, { algorithms: ['HS256'] })
	} catch {
		return response.status(401).json({ error: 'invalid token' })
	}
	const pair = await rotate(claims.jti)
	response.status(pair ? 200 : 401).json(pair ?? { error: 'invalid token' })
}

if (verb === 'seed') {
	await pool.query(TABLE)
	for (let i = 0; i < Number(number); i++) {
		const id = randomUUID()
		await pool.query(ADD, [id, randomUUID(), `user${i}`, later()])
		console.log(sign(`user${i}`, id))
	}
	await pool.end()
} else {
	const app = express().disable('x-powered-by').disable('etag').use(express.json()).post('/refresh', refresh)
	const server = app.listen(Number(number), '127.0.0.1')
	process.on('SIGTERM', () => { server.closeAllConnections(); process.exit() })
}
