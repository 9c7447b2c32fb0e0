// Fastify and better-sqlite3 as one would write it who wants it fast: one row for each session, that counts its generations;
// a token is "session.generation.mac", so a forged one costs no statement, and a spent one with a right mac is a reuse, which
// ends the session. What comes in one turn of the event loop shares a transaction, and is answered when that is committed.
//   node fastify.js seed DIR COUNT       makes COUNT sessions, prints their refresh tokens
//   node fastify.js serve DIR PORT       SYNCHRONOUS=NORMAL or FULL
import { createHmac, timingSafeEqual } from 'node:crypto'
import Database from 'better-sqlite3'
import Fastify from 'fastify'

const [verb, dir, number] = process.argv.slice(2)
const ACCESS_SECRET = 'access secret of at least thirty-two bytes', REFRESH_SECRET = 'refresh secret of at least thirty-two bytes'
const MONTH = 30 * 86400
const HEAD = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')

const db = new Database(`${dir}/fastify.db`)
db.pragma('journal_mode = WAL')
db.pragma(`synchronous = ${process.env.SYNCHRONOUS ?? 'NORMAL'}`)
db.exec(`CREATE TABLE IF NOT EXISTS session(id INTEGER PRIMARY KEY, user TEXT NOT NULL, generation INTEGER NOT NULL, expires_at INTEGER NOT NULL)`)
const add = db.prepare('INSERT INTO session(user, generation, expires_at) VALUES (?, 0, ?)')
const turn = db.prepare('UPDATE session SET generation = generation + 1, expires_at = ? WHERE id = ? AND generation = ? AND expires_at > ? RETURNING user').pluck()
const end = db.prepare('DELETE FROM session WHERE id = ?')

const now = () => Math.floor(Date.now() / 1000)
const mac = (secret, text) => createHmac('sha256', secret).update(text).digest('base64url')
const refreshOf = (id, generation) => `${id}.${generation}.${mac(REFRESH_SECRET, `${id}.${generation}`)}`

function accessOf(user, id) {
	const seconds = now()
	const signed = `${HEAD}.${Buffer.from(`{"sub":${JSON.stringify(user)},"sid":${id},"iat":${seconds},"exp":${seconds + 900}}`).toString('base64url')}`
	return `${signed}.${mac(ACCESS_SECRET, signed)}`
}

function read(token) { // its session and generation, or null
	const at = token.lastIndexOf('.'), text = token.slice(0, at)
	const expected = Buffer.from(mac(REFRESH_SECRET, text)), given = Buffer.from(token.slice(at + 1))
	if (at < 0 || expected.length !== given.length || !timingSafeEqual(expected, given))
		return null
	const [id, generation] = text.split('.').map(Number)
	return { id, generation }
}

function rotate({ id, generation }) { // the session's user, or undefined
	const user = turn.get(now() + MONTH, id, generation, now())
	if (user === undefined)
		end.run(id)
	return user
}

let waiting = []
const rotateAll = db.transaction(batch => batch.map(one => rotate(one.claims)))
function commit() {
	const batch = waiting
	waiting = []
	try {
		const users = rotateAll.immediate(batch)
		batch.forEach((one, i) => one.resolve(users[i]))
	} catch (error) {
		batch.forEach(one => one.reject(error))
	}
}
const rotated = claims => new Promise((resolve, reject) => {
	if (waiting.push({ claims, resolve, reject }) === 1)
		setImmediate(commit)
})

async function refresh(request, reply) {
	const claims = read(request.body.refreshToken)
	const user = claims ? await rotated(claims) : undefined
	if (user === undefined)
		return reply.code(401).send({ error: 'invalid token' })
	return { accessToken: accessOf(user, claims.id), refreshToken: refreshOf(claims.id, claims.generation + 1) }
}

if (verb === 'seed') {
	for (let i = 0; i < Number(number); i++)
		console.log(refreshOf(add.run(`user${i}`, now() + MONTH).lastInsertRowid, 0))
	db.close()
} else {
	const text = { type: 'string' }
	const schema = { body: { type: 'object', required: ['refreshToken'], properties: { refreshToken: text } },
		response: { 200: { type: 'object', properties: { accessToken: text, refreshToken: text } } } }
	const app = Fastify()
	app.post('/refresh', { schema }, refresh)
	await app.listen({ port: Number(number), host: '127.0.0.1' })
	process.on('SIGTERM', () => { app.server.closeAllConnections(); db.close(); process.exit() })
}
