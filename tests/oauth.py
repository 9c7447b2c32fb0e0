"""The dialect of OAuth by CGI: oauth.py LATCHKEY DIR prints TAP. What a client may ask for, and each answer it gets.

DIR is made here. The page of /authorize is answered as a browser without script would.
"""
import base64
import hashlib
import html
import json
import os
import re
import subprocess
import sys
import time
import urllib.parse

LATCHKEY, DIR = sys.argv[1:]
ISSUER = 'https://login.example/api/auth'
count = failed = 0


def ok(good, name, got=''):
    global count, failed
    count += 1
    failed += not good
    print(f'{"" if good else "not "}ok {count} - {name}', flush=True)
    if not good:
        print(f'# got: {got}')


def same(got, want, name):
    ok(got == want, name, f'{got!r}, want: {want!r}')


def verb(*words, text=''):
    done = subprocess.run([LATCHKEY, *words, '--dir', DIR], input=text, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip()


class Answer:
    def __init__(self, raw):
        head, _, self.body = raw.decode().partition('\r\n\r\n')
        self.headers = [line.partition(': ')[::2] for line in head.split('\r\n')]
        self.status = int((self.header('Status') or '0').split()[0])

    def header(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return {}


def call(method, path, form=None, query='', script='/api/auth', wrapper=(), **headers):
    body = form if isinstance(form, bytes) else urllib.parse.urlencode(form or {}).encode()
    env = {'GATEWAY_INTERFACE': 'CGI/1.1', 'SERVER_PROTOCOL': 'HTTP/1.1', 'REQUEST_METHOD': method, 'SCRIPT_NAME': script, 'PATH_INFO': path,
           'QUERY_STRING': query, 'LATCHKEY_DIR': DIR, 'REMOTE_ADDR': '192.0.2.7', 'HTTPS': 'on', 'HTTP_HOST': 'login.example',
           'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '')}
    if form is not None:
        env |= {'CONTENT_TYPE': 'application/x-www-form-urlencoded', 'CONTENT_LENGTH': str(len(body))}
    env |= {('' if n.isupper() and n.startswith('CONTENT') else 'HTTP_') + n.upper(): v for n, v in headers.items()}
    return Answer(subprocess.run([*wrapper, LATCHKEY], input=body, env=env, capture_output=True, check=False).stdout)


def basic(name, secret):
    return 'Basic ' + base64.b64encode(f'{name}:{secret}'.encode()).decode()


def claims(token):
    part = token.split('.')[1]
    return json.loads(base64.urlsafe_b64decode(part + '=' * (-len(part) % 4)))


def head_of(token):
    part = token.split('.')[0]
    return json.loads(base64.urlsafe_b64decode(part + '=' * (-len(part) % 4)))


VERIFIER = 'v' * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b'=').decode()
URI = {'web': 'https://web.example/cb', 'app': 'org.example.app:/cb', 'api': 'https://api.example/cb', 'es': 'https://es.example/cb',
       'plain': 'https://plain.example/cb', 'once': 'https://once.example/cb', 'staff': 'https://staff.example/cb'}


def code_for(client, user='alice', scope='openid profile email', **more):
    query = urllib.parse.urlencode({'client_id': client, 'redirect_uri': URI[client], 'response_type': 'code', 'scope': scope, 'state': 's',
                                    'nonce': 'n-1', 'code_challenge': CHALLENGE, 'code_challenge_method': 'S256'} | more)
    form = {'username': user, 'password': 'correct horse', 'do': 'in'}
    answer = call('POST', '/authorize', form, query, sec_fetch_site='same-origin')
    where = answer.header('Location') or ''
    if not where:       # a private scheme: a link for the person
        found = re.search(r'href="([^"]*code=[^"]*)"', answer.body)
        where = html.unescape(found.group(1)) if found else ''
    return urllib.parse.parse_qs(urllib.parse.urlparse(where).query).get('code', [answer.body])[0]


def exchange(client, code, secret=None, **more):
    form = {'grant_type': 'authorization_code', 'code': code, 'redirect_uri': URI[client], 'code_verifier': VERIFIER} | more
    if secret:
        return call('POST', '/token', form, authorization=basic(client, secret))
    return call('POST', '/token', form | {'client_id': client})


def refresh(token, client=None, secret=None, **more):
    form = {'grant_type': 'refresh_token', 'refresh_token': token} | more
    if secret:
        return call('POST', '/token', form, authorization=basic(client, secret))
    return call('POST', '/token', form | ({'client_id': client} if client else {}))


def refused(answer, status, error, name, about=None):
    got = (answer.status, answer.json().get('error'))
    ok(got == (status, error) and (about is None or answer.json().get('error_description') == about), name, f'{answer.status} {answer.body}')


def lasting(answer):
    """What is the same in an answer that is given twice: all but what counts from now."""
    return {k: v for k, v in answer.json().items() if not k.endswith('_in')}


def number(text):
    return int.from_bytes(base64.urlsafe_b64decode(text + '=' * (-len(text) % 4)), 'big')


def is_signed(token, changed=0):
    """By RS256, with the key of the set that the token names (RFC 8017, 8.2.2)."""
    signed, _, signature = token.rpartition('.')
    key = next(k for k in keys if k['kid'] == head_of(token)['kid'] and k['kty'] == 'RSA')
    digest = bytes.fromhex('3031300d060960864801650304020105000420') + hashlib.sha256(signed.encode()).digest()
    padded = b'\0\1' + b'\xff' * (253 - len(digest)) + b'\0' + digest
    return pow(number(signature) ^ changed, number(key['e']), number(key['n'])) == int.from_bytes(padded, 'big')


def bearer(token):
    return {'authorization': 'Bearer ' + token}


# --- before there is a client
verb('init')
conf = f'issuer = {ISSUER}\npassword_memory = 8k\npassword_passes = 1\nthrottle_dir = {DIR}\nemail_domain = mail.example\nreuse_grace = 10m\n'
with open(f'{DIR}/latchkey.conf', 'w', encoding='ascii') as f:
    f.write(conf)
verb('user', 'add', 'alice', '--groups', 'family,staff', text='correct horse\n')
verb('user', 'add', 'bob@b.example', text='correct horse\n')
verb('user', 'set', 'alice', 'name', 'Alice L.')
for method, path in (('POST', '/token'), ('GET', '/jwks'), ('GET', '/.well-known/openid-configuration'), ('POST', '/revoke'), ('GET', '/token'),
                     ('GET', '/userinfo'), ('POST', '/introspect')):
    answer = call(method, path, {} if method == 'POST' else None)
    same((answer.status, (answer.json().get('error') or {}).get('code')), (404, 'not_found'), f'{method} {path} while no client is named')

# --- the document has the routes, and no other
top = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
with open(f'{top}/oauth/oauth.c', encoding='utf-8') as f:
    table = re.search(r'struct route routes\[\] = \{(.*?)\};', f.read(), re.S).group(1)
with open(f'{top}/docs/openapi-oauth.yaml', encoding='utf-8') as f:
    document = re.sub(r'(?s)\ncomponents:.*', '', f.read())
told = {(m.upper(), part.split(':')[0]) for part in document.split('\n  /')[1:] for m in re.findall(r'^    (get|post):', part, re.M)}
same(told, {(m, p[1:]) for m, p in re.findall(r'METHOD_(\w+), *"([^"]+)"', table)}, 'openapi-oauth.yaml has the calls of oauth.c')

# --- clients
secret = {}
for name, words in {'web': [URI['web'], 'https://web.example/other'], 'app': ['public', URI['app']], 'api': ['public,api', URI['api']], 'es': ['es256', URI['es']],
                    'once': ['once', URI['once']], 'staff': ['group=staff', URI['staff']], 'rs': ['introspect']}.items():
    code, secret[name] = verb('client', 'add', name, *words)
    same(code, 0, f'client add {name}')

# --- discovery
for path, script in (('/.well-known/openid-configuration', '/api/auth'), ('/.well-known/oauth-authorization-server', '/api/auth'),
                     ('/.well-known/openid-configuration', ''), ('/.well-known/oauth-authorization-server/api/auth', '')):
    answer = call('GET', path, script=script)
    same((answer.status, answer.json().get('issuer'), answer.header('Access-Control-Allow-Origin'), answer.header('Cache-Control')),
         (200, ISSUER, '*', 'max-age=300'), f'{script}{path}')
meta = answer.json()
same(meta['token_endpoint'], ISSUER + '/token', 'the endpoints lie below the issuer')
same(meta['request_uri_parameter_supported'], False, 'what a default gets wrong is named')
same(meta['token_endpoint_auth_methods_supported'], ['client_secret_basic', 'client_secret_post', 'none'], 'public clients are told')
same(meta['id_token_signing_alg_values_supported'], ['RS256', 'ES256'], 'RS256 first')
ok('authorization_response_iss_parameter_supported' not in meta, 'iss is not announced')
same(call('GET', '/.well-known/openid-configuration/other', script='').status, 404, 'behind another path there is none')
jwks = call('GET', '/jwks')
keys = jwks.json()['keys']
same(sorted((k['kty'], k['alg']) for k in keys), [('EC', 'ES256'), ('RSA', 'RS256')], 'the public keys')
ok(not any(set(k) & {'d', 'p', 'q', 'k'} for k in keys), 'and nothing else of them')
# what OpenID's plan Config OP asks (Discovery, 3 and 4.2), and RFC 9700 (2.1.1, 2.6)
ends = {k: v for k, v in meta.items() if k.endswith('_endpoint') or k == 'jwks_uri'}
ok(all(v.startswith(ISSUER + '/') for v in ends.values()), 'each endpoint is an https URL below the issuer', ends)
same([v for v in ends.values() if call('GET', v.removeprefix(ISSUER), {}).status in (404, 503)], [], 'and is there')
same({'issuer', 'authorization_endpoint', 'token_endpoint', 'userinfo_endpoint', 'jwks_uri', 'scopes_supported', 'response_types_supported', 'subject_types_supported',
      'id_token_signing_alg_values_supported', 'claims_supported', 'grant_types_supported'} - set(meta), set(), 'no member is missing that is required or recommended')
same((meta['response_types_supported'], meta['subject_types_supported'], 'openid' in meta['scopes_supported']), (['code'], ['public'], True), 'response types, subject types and scopes')
same((meta['code_challenge_methods_supported'], {'implicit', 'password'} & set(meta['grant_types_supported'])), (['S256'], set()), 'PKCE is told, and no grant that is none any more')
same((answer.header('Content-Type'), jwks.header('Content-Type')), ('application/json', 'application/json'), 'both documents are JSON')
same((len({k['kid'] for k in keys}), {k['use'] for k in keys}), (len(keys), {'sig'}), 'each key has a kid of its own, and says what it is for')
# The first prctl is PR_SET_DUMPABLE, after which strace without root's rights could read no path.
for path in ('/.well-known/openid-configuration', '/jwks'):
    log = f'{DIR}.trace'
    call('GET', path, wrapper=('strace', '-f', '-o', log, '-e', 'inject=prctl:retval=0:when=1', '-e', 'trace=open,openat,flock,prctl'))
    with open(log, encoding='ascii', errors='replace') as f:
        text = f.read()
    ok('latchkey.clients' in text and 'latchkey.db' not in text and 'latchkey.lock' not in text, f'{path} opens no store', text)

# --- code, tokens, refresh, revoke
code = code_for('web')
first = exchange('web', code, secret['web'])
t = first.json()
same((first.status, sorted(t)), (200, ['access_token', 'expires_in', 'id_token', 'refresh_token', 'refresh_token_expires_in', 'scope', 'token_type']),
     'a code is exchanged')
same((t.get('token_type'), t.get('expires_in'), t.get('scope')), ('Bearer', 900, 'openid profile email'), 'for tokens')
same((first.header('Cache-Control'), first.header('Pragma')), ('no-store', 'no-cache'), 'which nobody keeps')
it = claims(t['id_token'])
same({k: it[k] for k in it if k not in ('exp', 'iat', 'auth_time', 'sub', 'sid')},
     {'iss': ISSUER, 'aud': 'web', 'nonce': 'n-1', 'amr': ['pwd'], 'preferred_username': 'alice', 'name': 'Alice L.', 'groups': ['family', 'staff'],
      'email': 'alice@mail.example', 'email_verified': True}, 'the id_token')
at = claims(t['access_token'])
same((it['exp'], it['iat'], it['sub'], it['sid']), (at['exp'], at['iat'], at['sub'], at['sid']), 'is dated as the access token')
ok(abs(it['auth_time'] - time.time()) < 60, 'and says when the person signed in')
same(head_of(t['id_token'])['alg'], 'RS256', 'RS256')
same((is_signed(t['id_token']), is_signed(t['id_token'], 1)), (True, False), 'by a key of the set, and no other signature will do')
same((at['aud'], at['client_id'], at['scope']), (ISSUER, 'web', 'openid profile email'), 'the access token is for the issuer')
ok(not set(at) & {'groups', 'email', 'display_name'}, 'and tells nothing of the person')
same(lasting(exchange('web', code, secret['web'])), lasting(first), 'the same code at once: the same tokens, byte for byte')
refused(exchange('web', code, secret['web'], redirect_uri='https://web.example/other'), 400, 'invalid_grant', 'with another redirect URI', 'code_invalid')
second = refresh(t['refresh_token'], 'web', secret['web'])
t2 = second.json()
same(second.status, 200, 'refresh')
same((claims(t2['id_token']).get('nonce'), claims(t2['id_token']).get('auth_time')), (None, None), 'without nonce and auth_time')
same(refresh(t['refresh_token'], 'web', secret['web']).json()['refresh_token'], t2['refresh_token'], 'its answer was lost: the same successor')
refused(refresh(t2['refresh_token'], 'app'), 400, 'invalid_grant', 'another client', 'refresh_invalid')
refused(refresh(t2['refresh_token']), 400, 'invalid_grant', 'nobody', 'refresh_invalid')
refused(refresh(t2['refresh_token'], 'web'), 401, 'invalid_client', 'the client without its secret')
same(refresh(t2['refresh_token'], 'web', secret['web'], scope='openid', redirect_uri='x', allow_redirects='True').status, 200, 'the session stands; what is not known is ignored')
refused(exchange('web', code, secret['web']), 400, 'invalid_grant', 'the code once the session was refreshed', 'refresh_reused')
refused(refresh(t2['refresh_token'], 'web', secret['web']), 400, 'invalid_grant', 'ends the session', 'session_revoked')
same(call('GET', '/userinfo', **bearer(t2['access_token'])).status, 401, 'and its access token')

# --- requests of the plan Basic OP (OpenID Connect Core, 3.1.2.1 and 5): what is asked beyond the needed is no hindrance
for name, more in {'display=page': {'display': 'page'}, 'display=popup': {'display': 'popup'}, 'ui_locales': {'ui_locales': 'se de-CH'}, 'claims_locales': {'claims_locales': 'se'},
                   'acr_values': {'acr_values': '1 2'}, 'login_hint': {'login_hint': 'alice'}, 'max_age=10000': {'max_age': '10000'}, 'claims': {'claims': '{"userinfo":{"name":{"essential":true}}}'},
                   'an unknown parameter': {'extra': 'foobar'}, 'the scopes in another order': {'scope': 'email profile openid'},
                   'scopes that there are not': {'scope': 'openid address phone profile email'}, 'id_token_hint': {'id_token_hint': t['id_token']},
                   'an id_token_hint that is none': {'id_token_hint': 'x.y.z'}}.items():
    it = claims(exchange('web', code_for('web', **more), secret['web']).json().get('id_token', '.e30'))
    same((it.get('sub'), it.get('nonce'), it.get('email')), (at['sub'], 'n-1', 'alice@mail.example'), f'a request with {name}')
_, secret['plain'] = verb('client', 'add', 'plain', 'nopkce', URI['plain'])
got = exchange('plain', code_for('plain', nonce='', code_challenge='', code_challenge_method=''), client_secret=secret['plain'], code_verifier='').json()
same((claims(got.get('id_token', '.e30')).get('sub'), 'nonce' in claims(got.get('id_token', '.e30'))), (at['sub'], False), 'a request without nonce and PKCE, redeemed with client_secret_post')
verb('client', 'remove', 'plain')
page = call('POST', '/signin', {'username': 'alice', 'password': 'correct horse'}, sec_fetch_site='same-origin')
by_cookie = {'cookie': '; '.join(v.partition(';')[0] for n, v in page.headers if n == 'Set-Cookie'), 'sec_fetch_site': 'none'}


def silent(**more):
    query = urllib.parse.urlencode({'client_id': 'web', 'redirect_uri': URI['web'], 'response_type': 'code', 'scope': 'openid', 'state': 's', 'nonce': 'n-1',
                                    'code_challenge': CHALLENGE, 'code_challenge_method': 'S256', 'prompt': 'none'} | more)
    answer = call('GET', '/authorize', query=query, **by_cookie)
    return urllib.parse.parse_qs(urllib.parse.urlparse(answer.header('Location') or '').query) or answer


its = [claims(exchange('web', silent(**more)['code'][0], secret['web']).json()['id_token']) for more in ({}, {'id_token_hint': t['id_token']})]
same([(i['sub'], i['auth_time']) for i in its], [(at['sub'], its[0]['auth_time'])] * 2, 'prompt=none for who is signed in, with id_token_hint too: when that was stays the same')
same(silent(max_age='0').get('error'), ['login_required'], 'prompt=none, and the sign-in is older than max_age')
for name, more in {'prompt=login': {'prompt': 'login'}, 'a max_age that is over': {'prompt': '', 'max_age': '0'}}.items():
    answer = silent(**more)
    ok(isinstance(answer, Answer) and answer.status == 200 and 'name="password"' in answer.body, f'who is signed in is asked again: {name}', answer)
same(silent(id_token_hint='x.y.z').keys(), {'code', 'state'}, 'prompt=none with a hint at another: latchkey reads no hint')
page = call('GET', '/authorize', query='client_id=web&response_type=code&redirect_uri=' + URI['web'] + '&code_challenge_method=S256&code_challenge=' + CHALLENGE)
same((page.status, page.header('Referrer-Policy'), page.header('Cache-Control')), (200, 'same-origin', 'no-store'), 'the page of /authorize tells no other site where it was')

# --- what a code wants
for name, more in (('a wrong verifier', {'code_verifier': 'w' * 43}), ('no verifier', {'code_verifier': ''}), ('a short one', {'code_verifier': VERIFIER[:42]}),
                   ('another redirect URI', {'redirect_uri': 'https://web.example/'}), ('half a code', {})):
    code = code_for('web') if name != 'half a code' else 'ey'
    refused(exchange('web', code, secret['web'], **more), 400, 'invalid_grant', f'a code with {name}', 'code_invalid')
    if code != 'ey':
        same(exchange('web', code, secret['web']).status, 200, 'which changes nothing')
code = code_for('app')
refused(exchange('web', code, secret['web'], redirect_uri=URI['app']), 400, 'invalid_grant', "another client's code", 'code_invalid')
form = {'grant_type': 'authorization_code', 'code': code, 'code_verifier': VERIFIER, 'client_id': 'app'}
same(call('POST', '/token', form).status, 200, 'a redirect URI may be missing with PKCE')
code = code_for('web', code_challenge='', code_challenge_method='')
refused(exchange('web', code, secret['web']), 400, 'invalid_grant', 'a verifier without a challenge', 'code_invalid')
same(exchange('web', code, secret['web'], code_verifier='').status, 200, 'without either, for a client with a secret')
code = code_for('web')
verb('user', 'passwd', 'alice', text='correct horse\n')
refused(exchange('web', code, secret['web']), 400, 'invalid_grant', 'a code of before another password', 'code_invalid')

# --- how a client shows itself
code = code_for('web')
good = {'grant_type': 'refresh_token', 'refresh_token': exchange('web', code, secret['web']).json()['refresh_token']}
for name, form, headers, want in (
        ('a wrong secret', {}, {'authorization': basic('web', '0' * 40)}, (401, 'invalid_client', 'Basic realm="latchkey"')),
        ('a wrong secret by form', {'client_id': 'web', 'client_secret': 'x'}, {}, (401, 'invalid_client', None)),
        ('an unknown client', {'client_id': 'nobody'}, {}, (401, 'invalid_client', None)),
        ('a name that is none', {'client_id': 'a b'}, {}, (401, 'invalid_client', None)),
        ('a secret alone', {'client_secret': secret['web']}, {}, (401, 'invalid_client', None)),
        ('broken Basic', {}, {'authorization': 'Basic !!!'}, (401, 'invalid_client', 'Basic realm="latchkey"')),
        ('Basic without a colon', {}, {'authorization': 'Basic d2Vi'}, (401, 'invalid_client', 'Basic realm="latchkey"')),
        ('Basic in base64url', {}, {'authorization': basic('web', '?' * 40).replace('/', '_')}, (401, 'invalid_client', 'Basic realm="latchkey"')),
        ('a public client with a secret', {'client_id': 'app', 'client_secret': 'x'}, {}, (401, 'invalid_client', None)),
        ('two ways at once', {'client_id': 'web', 'client_secret': secret['web']}, {'authorization': basic('web', secret['web'])}, (400, 'invalid_request', None)),
        ('two names', {'client_id': 'app'}, {'authorization': basic('web', secret['web'])}, (400, 'invalid_request', None))):
    answer = call('POST', '/token', good | form, **headers)
    same((answer.status, answer.json().get('error'), answer.header('WWW-Authenticate')), want, name)
for name, form, headers in (
        ('Basic with the same name beside it', {'client_id': 'web', 'client_secret': ''}, {'authorization': basic('web', secret['web'])}),
        ('Basic with escapes', {}, {'authorization': basic('%77eb', secret['web'])}),
        ('Basic without padding', {}, {'authorization': basic('web', secret['web']).rstrip('=')}),
        ('by form', {'client_id': 'web', 'client_secret': secret['web']}, {})):
    answer = call('POST', '/token', good | form, **headers)
    same(answer.status, 200, name)
    good['refresh_token'] = answer.json().get('refresh_token', '')

# --- requests that are none
for name, form, want in (('no grant', b'', 'invalid_request'), ('another grant', b'grant_type=password', 'unsupported_grant_type'), ('no token', b'grant_type=refresh_token', 'invalid_request'),
                         ('no code', b'grant_type=authorization_code&client_id=app', 'invalid_request'), ('a parameter twice', b'grant_type=x&grant_type=x', 'invalid_request'),
                         ('a broken escape', b'grant_type=%zz', 'invalid_request'), ('no UTF-8', b'grant_type=%ff', 'invalid_request'),
                         ('an unknown parameter twice', b'x=1&x=2&grant_type=y', 'unsupported_grant_type'),
                         ('an empty key', b'grant_type=refresh_token&refresh_token=x&idempotency_key=', 'invalid_request'),
                         ('a long key', b'grant_type=refresh_token&idempotency_key=' + b'k' * 129, 'invalid_request')):
    refused(call('POST', '/token', form), 400, want, name)
refused(call('POST', '/token', {'grant_type': 'authorization_code', 'code': 'x'}), 401, 'invalid_client', 'a code from nobody')
refused(call('POST', '/token', b'{}', CONTENT_TYPE='application/json'), 400, 'invalid_request', 'JSON')
refused(call('POST', '/token', {'grant_type': 'refresh_token', 'refresh_token': 'x'}), 400,
        'invalid_grant', 'a token of nobody', 'refresh_invalid')
same(call('GET', '/token').status, 405, 'GET /token')

# --- a client's access token, here and there
web = exchange('web', code_for('web'), secret['web']).json()
info = call('GET', '/userinfo', **bearer(web['access_token']))
same((info.status, {k: v for k, v in info.json().items() if k != 'sub'}),
     (200, {'preferred_username': 'alice', 'name': 'Alice L.', 'groups': ['family', 'staff'], 'email': 'alice@mail.example', 'email_verified': True}), 'GET /userinfo')
same(info.json()['sub'], at['sub'], 'of the same person')
same(call('POST', '/userinfo', **bearer(web['access_token'])).body, info.body, 'POST /userinfo')
same(call('POST', '/userinfo', {'access_token': web['access_token']}).body, info.body, 'POST /userinfo by form')
for name, answer, want in (('no token', call('GET', '/userinfo'), (401, 'Bearer realm="latchkey"')),
                           ('a token in its query', call('GET', '/userinfo', query='access_token=' + web['access_token']), (401, 'Bearer realm="latchkey"')),
                           ('no good token', call('GET', '/userinfo', **bearer('x')), (401, 'Bearer realm="latchkey", error="invalid_token"'))):
    same((answer.status, answer.header('WWW-Authenticate')), want, f'/userinfo with {name}')
for method, path in (('GET', '/me'), ('GET', '/verify'), ('GET', '/sessions'), ('GET', '/audit'), ('DELETE', '/sessions'), ('POST', '/password'), ('DELETE', '/me')):
    answer = call(method, path, **bearer(web['access_token']))
    ok(answer.status in (400, 401), f"a client's access token at {method} {path}", answer.status)
api = exchange('api', code_for('api')).json()
same(claims(api['access_token'])['aud'], 'latchkey', 'an app of one\'s own has tokens for the audience')
for method, path, want in (('GET', '/me', 200), ('GET', '/verify', 204), ('GET', '/userinfo', 200), ('GET', '/sessions', 403), ('GET', '/audit', 403), ('DELETE', '/sessions', 403),
                           ('DELETE', '/sessions/' + at['sid'], 403)):
    answer = call(method, path, **bearer(api['access_token']))
    same(answer.status, want, f'which open {method} {path}: {want}')
same((answer.json()['error']['code'], answer.header('WWW-Authenticate')), ('insufficient_scope', 'Bearer realm="latchkey", error="insufficient_scope"'), 'insufficient_scope')
with open(f'{top}/auth.c', encoding='utf-8') as f:
    live = set(re.findall(r'METHOD_(\w+), *"([^"]+)", *ACCESS_LIVE', f.read())) - {('GET', '/me')}
anything = json.dumps(dict.fromkeys(('password', 'current_password', 'new_password', 'code', 'ticket', 'client_data', 'authenticator_data'), 'x')).encode()
same(({call(m, p + '0' * 16 * p.endswith('/'), anything, CONTENT_TYPE='application/json', **bearer(api['access_token'])).status for m, p in live}, ('POST', '/totp/off') in live), ({403}, True),
     'no call of auth.c that wants a session is open to it but GET /me')
same({call(m, p + '0' * 16 * p.endswith('/'), anything, CONTENT_TYPE='application/json', **bearer(web['access_token'])).status for m, p in live}, {401}, "nor to another client's token")
body = json.dumps({'refresh_token': api['refresh_token']}).encode()
same(call('POST', '/refresh', body, CONTENT_TYPE='application/json').status, 401, 'its refresh token is none of the app API')
same(refresh(api['refresh_token'], 'api').status, 200, 'and stands')
plain = exchange('web', code_for('web', scope='profile'), secret['web']).json()
ok('id_token' not in plain, 'without openid there is no id_token')
answer = call('GET', '/userinfo', **bearer(plain['access_token']))
same((answer.status, answer.json().get('error')), (403, 'insufficient_scope'), 'and no /userinfo')
same(sorted(call('GET', '/userinfo', **bearer(exchange('web', code_for('web', scope='openid'), secret['web']).json()['access_token'])).json()), ['sub'], 'openid alone: the id')

# --- the app API's own sessions at /token
def login(**more):
    body = json.dumps({'username': 'alice', 'password': 'correct horse'} | more).encode()
    answer = call('POST', '/login', body, CONTENT_TYPE='application/json')
    return answer, answer.json().get('data', {})


_, mine = login()
t = refresh(mine['refresh_token']).json()
same(sorted(t), ['access_token', 'expires_in', 'refresh_token', 'refresh_token_expires_in', 'token_type'], 'a session of the app API is refreshed at /token')
same(claims(t['access_token'])['aud'], 'latchkey', 'with its own audience')
refused(refresh(t['refresh_token'], 'app'), 400, 'invalid_grant', 'but by no client', 'refresh_invalid')
answer, _ = login(cookie=True)
cookie = next(v for n, v in answer.headers if n == 'Set-Cookie').partition('=')[2].partition(';')[0]
refused(refresh(cookie), 400, 'invalid_grant', 'nor is a cookie session', 'refresh_invalid')
same(call('GET', '/userinfo', **bearer(t['access_token'])).status, 403, 'it has no scope')
listed = call('GET', '/sessions', **bearer(t['access_token'])).json()['data']
ok({'web', 'api'} <= {s.get('client') for s in listed}, 'the list of sessions names the clients', listed)

# --- flags
es = exchange('es', code_for('es'), secret['es']).json()
same(head_of(es['id_token'])['alg'], 'ES256', 'es256')
once = exchange('once', code_for('once'), secret['once']).json()
ok('refresh_token' not in once and 'refresh_token_expires_in' not in once, 'once: no refresh token', once)
staff = exchange('staff', code_for('staff'), secret['staff']).json()
code = code_for('staff')
verb('user', 'set', 'alice', 'groups', 'family')
refused(exchange('staff', code, secret['staff']), 400, 'invalid_grant', 'who left the group redeems nothing', 'not_in_group')
refused(refresh(staff['refresh_token'], 'staff', secret['staff']), 400, 'invalid_grant', 'and refreshes nothing', 'not_in_group')
verb('user', 'set', 'alice', 'groups', 'staff')
same(refresh(staff['refresh_token'], 'staff', secret['staff']).status, 200, 'the session stands')
bob = claims(exchange('web', code_for('web', 'bob@b.example'), secret['web']).json()['id_token'])
same((bob['email'], bob['email_verified'], bob['name']), ('bob@b.example', True, 'bob@b.example'), 'a name that is an address')
with open(f'{DIR}/latchkey.conf', 'a', encoding='ascii') as f:
    f.write('signup = on\n')
bob = claims(exchange('web', code_for('web', 'bob@b.example'), secret['web']).json()['id_token'])
same((bob.get('email'), bob.get('email_verified')), (None, None), 'is none where anybody could have taken it')

# --- introspection
def introspect(token, name='rs', **more):
    return call('POST', '/introspect', {'token': token} | more, authorization=basic(name, secret[name]))


web = exchange('web', code_for('web'), secret['web']).json()
answer = introspect(web['access_token']).json()
same({k: answer.get(k) for k in ('active', 'username', 'client_id', 'scope', 'iss', 'aud', 'token_type')},
     {'active': True, 'username': 'alice', 'client_id': 'web', 'scope': 'openid profile email', 'iss': ISSUER, 'aud': ISSUER, 'token_type': 'Bearer'}, 'a token is active')
_, mine = login()
same((introspect(mine['access_token']).json().get('client_id'), introspect(mine['access_token']).json().get('aud')), ('latchkey', 'latchkey'), "the app API's too")
same(introspect(web['refresh_token']).json(), {'active': False}, 'a refresh token is not')
same(introspect('x').json(), {'active': False}, 'nor is anything else')
refused(introspect(web['access_token'], 'web'), 400, 'unauthorized_client', 'not for every client')
refused(call('POST', '/introspect', {'token': 'x'}), 401, 'invalid_client', 'nor for nobody')
refused(call('POST', '/introspect', {'token': 'x', 'client_id': 'app'}), 400, 'unauthorized_client', 'nor for a public one')
refused(call('POST', '/introspect', {}, authorization=basic('rs', secret['rs'])), 400, 'invalid_request', 'of nothing')

# --- revocation
def revoke(token, name='web'):
    return call('POST', '/revoke', {'token': token, 'token_type_hint': 'refresh_token'}, authorization=basic(name, secret[name]))


same((revoke('x').status, revoke('x').body), (200, '{}'), 'whatever it is, revoked it is')
same(revoke(web['refresh_token'], 'es').status, 200, "another client's, too")
same(introspect(web['access_token']).json()['active'], True, 'which it is not')
revoke(web['access_token'], 'es')
same(introspect(web['access_token']).json()['active'], True, 'by an access token neither')
revoke(mine['access_token'])
same(introspect(mine['access_token']).json()['active'], True, "nor one of the app API's")
same(revoke(web['refresh_token']).status, 200, 'its own')
same(introspect(web['access_token']).json()['active'], False, 'is over')
web = exchange('web', code_for('web'), secret['web']).json()
revoke(web['access_token'])
same(introspect(web['access_token']).json()['active'], False, 'by an access token, too')
refused(call('POST', '/revoke', {'token': 'x'}), 401, 'invalid_client', 'nobody revokes nothing')
refused(call('POST', '/revoke', {'client_id': 'app'}), 400, 'invalid_request', 'and nothing is not revoked')
app = exchange('app', code_for('app')).json()
call('POST', '/revoke', {'token': app['refresh_token'], 'client_id': 'app'})
refused(refresh(app['refresh_token'], 'app'), 400, 'invalid_grant', 'a public client revokes by its name', 'session_revoked')

# --- pages of other sites
with open(f'{DIR}/latchkey.conf', 'a', encoding='ascii') as f:
    f.write('cors_origins = https://spa.example\n')
answer = call('POST', '/token', {'grant_type': 'x'}, origin='https://spa.example')
same(answer.header('Access-Control-Allow-Origin'), 'https://spa.example', 'a listed page reads /token')
same(call('POST', '/token', {'grant_type': 'x'}, origin='https://other.example').header('Access-Control-Allow-Origin'), None, 'no other does')
same([v for n, v in call('GET', '/jwks', origin='https://spa.example').headers if n == 'Access-Control-Allow-Origin'], ['*'], 'the keys are for all')

# --- trouble of our own
os.rename(f'{DIR}/latchkey.clients', f'{DIR}/kept')
os.mkdir(f'{DIR}/latchkey.clients')
answer = refresh(es['refresh_token'], 'es', secret['es'])
refused(answer, 503, 'temporarily_unavailable', 'clients that cannot be read')
ok(answer.header('Retry-After'), 'say when to come again')
os.rmdir(f'{DIR}/latchkey.clients')
os.rename(f'{DIR}/kept', f'{DIR}/latchkey.clients')
STORE = f'{DIR}/latchkey.pgdb' if os.environ.get('LK_B') == 'pg' else f'{DIR}/latchkey.db'
os.rename(STORE, f'{DIR}/kept')
refused(refresh(es['refresh_token'], 'es', secret['es']), 503, 'temporarily_unavailable', 'so does a store that is gone')
os.rename(f'{DIR}/kept', STORE)
same(refresh(es['refresh_token'], 'es', secret['es']).status, 200, 'and nobody is signed out')

# --- the device grant
verb('client', 'add', 'tv', 'public,device')
GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
started = call('POST', '/device_authorization', {'client_id': 'tv', 'scope': 'openid profile offline_access nonsense'})
d = started.json()
same((started.status, sorted(d), d['verification_uri'], d['interval']), (200, ['device_code', 'expires_in', 'interval', 'user_code', 'verification_uri',
     'verification_uri_complete'], ISSUER + '/device', 5), 'a device gets two codes')
poll = {'grant_type': GRANT, 'device_code': d['device_code'], 'client_id': 'tv'}
refused(call('POST', '/token', poll), 400, 'authorization_pending', 'nobody has answered')
refused(call('POST', '/token', poll | {'client_id': 'app'}), 400, 'unauthorized_client', 'not a client of this grant')
refused(call('POST', '/device_authorization', {'client_id': 'app'}), 400, 'unauthorized_client', 'nor to begin with')
refused(call('POST', '/device_authorization', {}), 401, 'invalid_client', 'nor is nobody')
refused(call('POST', '/token', poll | {'device_code': 'x'}), 400, 'invalid_grant', 'no device code', 'code_invalid')
refused(call('POST', '/token', {'grant_type': GRANT, 'client_id': 'tv'}), 400, 'invalid_request', 'none at all')
page = call('POST', '/signin', {'username': 'alice', 'password': 'correct horse'}, sec_fetch_site='same-origin')
cookie = '; '.join(v.partition(';')[0] for n, v in page.headers if n == 'Set-Cookie')
call('POST', '/device', {'code': d['user_code'], 'do': 'allow'}, cookie=cookie, sec_fetch_site='same-origin')
tv = call('POST', '/token', poll)
same((tv.status, tv.json().get('scope')), (200, 'openid profile offline_access'), 'a person has answered')
same(claims(tv.json()['id_token'])['aud'], 'tv', 'with an id_token')
same(lasting(call('POST', '/token', poll)), lasting(tv), 'the same poll at once: the same tokens')
same(refresh(tv.json()['refresh_token'], 'tv').status, 200, 'and it goes on')

# --- a client that goes takes its sessions along
code, said = verb('client', 'remove', 'es')
same((code, said), (0, '1 sessions ended'), 'client remove')
refused(refresh(es['refresh_token'], 'es', secret['es']), 401, 'invalid_client', 'it is unknown')
_, secret['es'] = verb('client', 'add', 'es', 'es256', URI['es'])
refused(refresh(es['refresh_token'], 'es', secret['es']), 400, 'invalid_grant', 'another of its name inherits nothing')
for name in ('web', 'app', 'api', 'es', 'once', 'staff', 'rs', 'tv'):
    verb('client', 'remove', name)
same(call('GET', '/jwks').status, 404, 'without any client there is no OAuth')

print(f'1..{count}')
sys.exit(failed != 0)
