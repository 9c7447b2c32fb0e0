"""roster.py: who is measured, and what each promises. A row is named once, here."""
from peer import Better, Django, Empty, EmptyCgi, Glewlwyd, Go, Latchkey, Lighttpd, Lua, Memory, Node, NodePostgres, Reading, Shape

FORM = 'application/x-www-form-urlencoded'
PAIR = Shape('/refresh', 'application/json', '{"refreshToken":"%t"}', 'refreshToken', 'accessToken')
OIDC = Shape('/token', FORM, 'grant_type=refresh_token&client_id=app&refresh_token=%u', 'refresh_token', 'access_token')
BETTER = Shape('/api/auth/oauth2/token', FORM, '', 'refresh_token', 'access_token')
TOOLKIT = Shape('/o/token/', FORM, 'grant_type=refresh_token&client_id=app&refresh_token=%u', 'refresh_token', 'access_token')
GLEWLWYD = Shape('/api/oidc/token', FORM, 'grant_type=refresh_token&refresh_token=%u', 'refresh_token', 'access_token')

# What an answer promises after a power cut.
OURS = 'nobody: a newer token rolls its row forward'
UNSYNCED = 'refreshes since the last checkpoint: those users are signed out'
SYNCED = 'nobody'
SECOND = 'refreshes of up to 2 s: those users are signed out'
WAL_WRITER = 'refreshes of up to 0.6 s: those users are signed out'
ALL = 'every session'
NONE = '–'

# Who loses no more than latchkey does.
DURABLE = (OURS, SYNCED)

# Kinds of rows: latchkey itself, the limit, what people install, what a good engineer writes.
LATCHKEY, LIMIT, INSTALLED, WRITTEN = 'latchkey', 'limit', 'installed', 'written'
REFERENCE = 'latchkey serve --workers 1'
LIMIT_NAME, CGI, EMPTY_CGI = 'nginx, empty 200, one worker', 'latchkey, lighttpd CGI', 'empty CGI, lighttpd'

# name: kind, what a power cut takes, whether the sessions outlive the process, how it is made
ROSTER = {
    REFERENCE: (LATCHKEY, OURS, True, lambda name: Latchkey(name, ['--workers', '1'])),
    'latchkey serve --workers 2': (LATCHKEY, OURS, True, lambda name: Latchkey(name, ['--workers', '2'])),
    'latchkey serve': (LATCHKEY, OURS, True, lambda name: Latchkey(name, [])),
    CGI: (LATCHKEY, OURS, True, lambda name: Lighttpd(name, [], '/cgi-bin/latchkey/refresh')),
    'latchkey GET /health': (LATCHKEY, NONE, False, lambda name: Reading(name, ['--workers', '1'], '/api/auth/health')),
    'latchkey GET /me': (LATCHKEY, NONE, False, lambda name: Reading(name, ['--workers', '1'], '/api/auth/me')),
    LIMIT_NAME: (LIMIT, NONE, False, Empty),
    EMPTY_CGI: (LIMIT, NONE, False, EmptyCgi),
    'Express, SQLite': (INSTALLED, UNSYNCED, True, lambda name: Node(name, 'express.js', PAIR, 'NORMAL')),
    'Express, SQLite FULL': (INSTALLED, SYNCED, True, lambda name: Node(name, 'express.js', PAIR, 'FULL')),
    'Express, PostgreSQL': (INSTALLED, SYNCED, True, lambda name: NodePostgres(name, 'pg.js', PAIR, 'on')),
    'Express, PostgreSQL, commits not awaited': (INSTALLED, WAL_WRITER, True, lambda name: NodePostgres(name, 'pg.js', PAIR, 'off')),
    'oauth2-server, SQLite': (INSTALLED, UNSYNCED, True, lambda name: Node(name, 'oauth2.js', OIDC, 'NORMAL')),
    'oidc-provider, SQLite': (INSTALLED, UNSYNCED, True, lambda name: Node(name, 'oidc.js', OIDC, 'NORMAL')),
    'oidc-provider, SQLite FULL': (INSTALLED, SYNCED, True, lambda name: Node(name, 'oidc.js', OIDC, 'FULL')),
    'oidc-provider in memory': (INSTALLED, ALL, False, lambda name: Memory(name, 'oidc.js', OIDC, '')),
    'better-auth, SQLite': (INSTALLED, UNSYNCED, True, lambda name: Better(name, 'better.js', BETTER, 'NORMAL')),
    'glewlwyd, SQLite': (INSTALLED, SYNCED, True, lambda name: Glewlwyd(name, GLEWLWYD)),
    'Django OAuth Toolkit, PostgreSQL': (INSTALLED, SYNCED, True, lambda name: Django(name, TOOLKIT)),
    'Go, a row per token': (WRITTEN, UNSYNCED, True, lambda name: Go(name, 'token', PAIR)),
    'Go, a row per session, grouped commits': (WRITTEN, UNSYNCED, True, lambda name: Go(name, 'session', PAIR)),
    'Fastify, a row per session, grouped commits': (WRITTEN, UNSYNCED, True, lambda name: Node(name, 'fastify.js', PAIR, 'NORMAL')),
    'nginx Lua, SQLite': (WRITTEN, UNSYNCED, True, lambda name: Lua(name, 'sqlite', PAIR)),
    'nginx Lua, Redis, appendfsync everysec': (WRITTEN, SECOND, True, lambda name: Lua(name, 'redis', PAIR)),
}
# Left out of the table of rates, for its time: make bench-probes has them.
PROBED = ['latchkey serve', 'Express, PostgreSQL, commits not awaited', 'oidc-provider, SQLite FULL', 'oidc-provider in memory']


def made(name):
    kind, loses, kept, make = ROSTER[name]
    peer = make(name)
    peer.kind, peer.loses, peer.kept = kind, loses, kept
    return peer


def wanted(words, names):
    """Those of names that have one of the words in them, in any case; all of them where there is no word."""
    return [name for name in names if not words or any(word.strip().lower() in name.lower() for word in words)]
