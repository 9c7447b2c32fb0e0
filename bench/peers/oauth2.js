// @node-oauth/oauth2-server behind Express, with its model over SQLite as its documentation describes one: opaque tokens, a row
// for each pair, a refresh takes the old row away and writes the new one. Its own steps are asynchronous, so no transaction
// can be held open across them: each statement is its own.
//   node oauth2.js seed DIR COUNT       makes COUNT sessions, prints their refresh tokens
//   node oauth2.js serve DIR PORT       SYNCHRONOUS=NORMAL or FULL
import { randomBytes } from 'node:crypto'
import OAuth2Server from '@node-oauth/oauth2-server'
import Database from 'better-sqlite3'
import express from 'express'

const [verb, dir, number] = process.argv.slice(2)
const MONTH = 30 * 86400

const db = new Database(`${dir}/oauth2.db`)
db.pragma('journal_mode = WAL')
db.pragma(`synchronous = ${process.env.SYNCHRONOUS ?? 'NORMAL'}`)
db.exec(`CREATE TABLE IF NOT EXISTS token(refresh TEXT PRIMARY KEY, refresh_expires INTEGER NOT NULL, access TEXT NOT NULL UNIQUE,
  access_expires INTEGER NOT NULL, client TEXT NOT NULL, user TEXT NOT NULL) WITHOUT ROWID`)
const find = db.prepare('SELECT * FROM token WHERE refresh = ?')
const findAccess = db.prepare('SELECT * FROM token WHERE access = ?')
const add = db.prepare('INSERT INTO token(refresh, refresh_expires, access, access_expires, client, user) VALUES (?, ?, ?, ?, ?, ?)')
const drop = db.prepare('DELETE FROM token WHERE refresh = ?')
const client = { id: 'app', grants: ['refresh_token'], accessTokenLifetime: 900, refreshTokenLifetime: MONTH }

const model = {
	getClient: async id => id === client.id ? client : null,
	async getRefreshToken(refreshToken) {
		const row = find.get(refreshToken)
		return row && { refreshToken, refreshTokenExpiresAt: new Date(row.refresh_expires), client: { ...client, id: row.client }, user: { id: row.user } }
	},
	async getAccessToken(accessToken) {
		const row = findAccess.get(accessToken)
		return row && { accessToken, accessTokenExpiresAt: new Date(row.access_expires), client: { ...client, id: row.client }, user: { id: row.user } }
	},
	revokeToken: async token => drop.run(token.refreshToken).changes === 1,
	async saveToken(token, client, user) {
		add.run(token.refreshToken, token.refreshTokenExpiresAt.getTime(), token.accessToken, token.accessTokenExpiresAt.getTime(), client.id, user.id)
		return { ...token, client, user }
	},
}
const oauth = new OAuth2Server({ model, requireClientAuthentication: { refresh_token: false } })

async function token(request, response) {
	const answer = new OAuth2Server.Response(response)
	try {
		await oauth.token(new OAuth2Server.Request(request), answer)
		response.set(answer.headers).status(answer.status).json(answer.body)
	} catch (error) {
		response.status(error.code ?? 500).json({ error: error.name })
	}
}

if (verb === 'seed') {
	const fresh = () => randomBytes(32).toString('hex')
	for (let i = 0; i < Number(number); i++) {
		const refresh = fresh()
		add.run(refresh, Date.now() + MONTH * 1000, fresh(), Date.now() + 900_000, client.id, `user${i}`)
		console.log(refresh)
	}
	db.close()
} else {
	const app = express().disable('x-powered-by').disable('etag').use(express.urlencoded({ extended: false })).post('/token', token)
	const server = app.listen(Number(number), '127.0.0.1')
	process.on('SIGTERM', () => { server.closeAllConnections(); db.close(); process.exit() })
}
