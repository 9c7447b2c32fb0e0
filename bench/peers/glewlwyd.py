"""glewlwyd as it is configured for the figures: its database, an OpenID Connect plugin that rotates refresh
tokens (refresh-token-one-use: always), users that sign in by password."""
import http.client
import json
import os
import sqlite3
import urllib.parse

HERE = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..', 'build', 'peers', 'debian', 'root'))
LIBRARIES = HERE + '/usr/lib/x86_64-linux-gnu'

CONFIG = '''port={port}
bind_address="127.0.0.1"
external_url="http://localhost:{port}"
login_url="login.html"
api_prefix="api"
static_files_path="{here}/usr/share/glewlwyd/webapp/"
log_mode="console"
log_level="ERROR"
cookie_domain="localhost"
cookie_secure=0
session_expiration=2419200
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="{here}/usr/lib/glewlwyd/user"
client_module_path="{here}/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="{here}/usr/lib/glewlwyd/scheme"
plugin_module_path="{here}/usr/lib/glewlwyd/plugin"
use_secure_connection=false
secure_connection_key_file="{dir}/none.key"
secure_connection_pem_file="{dir}/none.pem"
hash_algorithm="SHA512"
database = {{ type = "sqlite3" path = "{dir}/glewlwyd.db" }};
'''

PLUGIN = {
    'module': 'oidc', 'name': 'oidc', 'display_name': 'oidc', 'order_rank': 0, 'readonly': False,
    'parameters': {
        'iss': 'http://localhost', 'jwt-type': 'sha', 'jwt-key-size': '256', 'key': 'a key of at least thirty-two bytes, for figures',
        'access-token-duration': 900, 'refresh-token-duration': 2592000, 'code-duration': 600,
        'refresh-token-rolling': True, 'refresh-token-one-use': 'always', 'allow-non-oidc': True,
        'auth-type-password-enabled': True, 'auth-type-refresh-enabled': True,
        'auth-type-code-enabled': True, 'auth-type-token-enabled': False, 'auth-type-client-enabled': False,
    },
}


def command(directory, port):
    with open(directory + '/glewlwyd.conf', 'w') as out:
        out.write(CONFIG.format(port=port, here=HERE, dir=directory))
    return [HERE + '/usr/bin/glewlwyd', '-c', directory + '/glewlwyd.conf'], {'LD_LIBRARY_PATH': LIBRARIES}


def create(directory):
    with open(HERE + '/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3') as script:
        database = sqlite3.connect(directory + '/glewlwyd.db')
        database.executescript(script.read())
        database.close()


def call(port, method, path, body, headers=None):
    """A JSON request, or a form where body is text: status, cookie, body."""
    form = isinstance(body, str)
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=20)
    connection.request(method, path, body if form else json.dumps(body),
                       {'Content-Type': 'application/x-www-form-urlencoded' if form else 'application/json', **(headers or {})})
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status != 200:
        raise RuntimeError(f'glewlwyd: {method} {path}: {answer.status} {text}')
    cookie = (answer.getheader('Set-Cookie') or '').split(';')[0]
    connection.close()
    return cookie, text


def configure(port, count):
    """Plugin and users; their refresh tokens."""
    cookie, _ = call(port, 'POST', '/api/auth/', {'username': 'admin', 'password': 'password'})
    admin = {'Cookie': cookie}
    call(port, 'POST', '/api/mod/plugin/', PLUGIN, admin)
    tokens = []
    for i in range(count):
        name = f'user{i}'
        call(port, 'POST', '/api/user/', {'username': name, 'name': name, 'password': 'correct horse', 'enabled': True,
                                          'scope': ['g_profile']}, admin)
        form = urllib.parse.urlencode({'grant_type': 'password', 'username': name, 'password': 'correct horse', 'scope': 'g_profile'})
        tokens.append(json.loads(call(port, 'POST', '/api/oidc/token', form)[1])['refresh_token'])
    return tokens
