"""Attacks on ways in, and on sessions and tokens of OAuth, each beside what it would look like if it weren't one: attacks.py LATCHKEY DIR [BROKEN] prints TAP.

BROKEN has programs in which one rule is missing (tests/fuzz/broken): what each lets in must be seen. DIR is made here; requests come by CGI. Where a store is kept aside, an attack is tried twice from the same state.
"""
import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.parse

from authenticator import Passkey, Wallet, totp

LATCHKEY, DIR, BROKEN = (sys.argv[1:] + [''])[:3]
ISSUER = 'https://login.example/api/auth'
VERIFIER, OTHER = 'v' * 43, 'w' * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b'=').decode()
URI = {'web': 'https://web.example/cb', 'app': 'https://app.example/cb', 'many': 'https://many.example/cb', 'cli': 'http://127.0.0.1:4000/cb', 'bank': 'https://bank.example/cb'}
FORM = {'username': 'alice', 'password': 'correct horse', 'do': 'in'}
count = failed = 0


def same(got, want, name):
    global count, failed
    count += 1
    failed += got != want
    print(f'{"" if got == want else "not "}ok {count} - {name}', flush=True)
    if got != want:
        print(f'# got: {got!r}, want: {want!r}')


def verb(*words, text=''):
    return subprocess.run([LATCHKEY, *words, '--dir', DIR], input=text, capture_output=True, text=True, check=False).stdout.strip()


def begin(method, path, form=None, query='', peer='192.0.2.7', kind='application/x-www-form-urlencoded', **headers):
    """Starts a request, so that several run at once."""
    body = form if isinstance(form, bytes) else urllib.parse.urlencode(form or {}).encode()
    env = {'GATEWAY_INTERFACE': 'CGI/1.1', 'SERVER_PROTOCOL': 'HTTP/1.1', 'REQUEST_METHOD': method, 'SCRIPT_NAME': '/api/auth', 'PATH_INFO': path,
           'QUERY_STRING': query, 'LATCHKEY_DIR': DIR, 'REMOTE_ADDR': peer, 'HTTPS': 'on', 'HTTP_HOST': 'login.example', 'CONTENT_TYPE': kind,
           'CONTENT_LENGTH': str(len(body)), 'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '')}
    env |= {'HTTP_' + name.upper(): value for name, value in headers.items()}
    program = subprocess.Popen([LATCHKEY], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    program.stdin.write(body)
    program.stdin.close()
    return program


class Answer:
    def __init__(self, program):
        head, _, self.body = program.stdout.read().decode().partition('\r\n\r\n')
        program.wait()
        self.headers = [line.partition(': ')[::2] for line in head.split('\r\n')]
        self.status = next((int(value.split()[0]) for name, value in self.headers if name == 'Status'), 0)
        self.json = json.loads(self.body) if self.body[:1] == '{' else {}
        error = self.json.get('error')
        self.code = error['code'] if isinstance(error, dict) else self.json.get('error_description')     # the app's words, in either dialect

    def lasting(self):
        """What is the same in an answer that is given twice: all but what counts from now."""
        return re.sub(r'"\w+_in":\d+', '', self.body)

    def all(self, name):
        return [value for n, value in self.headers if n == name]


def call(*words, **more):
    return Answer(begin(*words, **more))


def where(answer):
    return ''.join(answer.all('Location'))


def parameter(answer, name):
    """What a redirect tells the client."""
    return urllib.parse.parse_qs(urllib.parse.urlparse(where(answer)).query).get(name, [''])[0]


def code_of(answer):
    return parameter(answer, 'code')


def ask(client, form=None, site='same-origin', headers=None, **parameters):
    """The page of /authorize, or a form of it; parameters go into the query."""
    query = {'client_id': client, 'redirect_uri': URI[client], 'response_type': 'code', 'scope': 'openid', 'state': 's',
             'code_challenge': CHALLENGE, 'code_challenge_method': 'S256'} | parameters
    return call('POST' if form else 'GET', '/authorize', form, urllib.parse.urlencode(query), sec_fetch_site=site, **headers or {})


def authorize(client, form=None, **headers):
    """The code that a form gives, or a cookie alone."""
    return code_of(ask(client, form, headers=headers))


def by_password(client):
    return authorize(client, FORM)


def redemption(client, code, verifier=VERIFIER, **more):
    form = {'grant_type': 'authorization_code', 'code': code, 'redirect_uri': URI[client], 'client_id': client}
    return ('POST', '/token', form | ({'code_verifier': verifier} if verifier else {}) | ({'client_secret': secret} if client == 'web' else {}) | more)


def redeem(*words, **more):
    return call(*redemption(*words, **more))


def refresh(client, token, **more):
    form = {'grant_type': 'refresh_token', 'refresh_token': token} | ({'client_id': client} if client else {})
    return call('POST', '/token', form | ({'client_secret': secret} if client == 'web' else {}), **more)


def in_json(path, members, **headers):
    return call('POST', path, json.dumps(members).encode(), kind='application/json', **headers)


def sessions(client=None):
    listed = json.loads(verb('session', 'list', '--all', '--json'))
    return [s for s in listed if client is None or s['client'] == client]


def last_event(**wanted):
    return next((e for e in reversed(json.loads(verb('audit', '--json'))) if all(e[k] == v for k, v in wanted.items())), {})


def keep():
    shutil.rmtree(DIR + '.kept', ignore_errors=True)
    shutil.copytree(DIR, DIR + '.kept')


def put_back():
    shutil.rmtree(DIR)
    shutil.copytree(DIR + '.kept', DIR)


def options(**lines):
    with open(f'{DIR}/latchkey.conf', 'w', encoding='ascii') as f:
        f.writelines(f'{name} = {value}\n' for name, value in {'issuer': ISSUER, 'password_memory': '8k', 'password_passes': 1, 'throttle_dir': DIR, 'reuse_grace': '10m', **lines}.items())


verb('init')
options()
verb('user', 'add', 'alice', text='correct horse\n')
secret = verb('client', 'add', 'web', URI['web'])
verb('client', 'add', 'app', 'public', URI['app'])

# --- the page of /authorize, and what leads there
def pages():
    options()
    for words in (('many', 'public,iss', URI['many']), ('cli', 'public', 'http://127.0.0.1/cb'), ('tv', 'public,device')):
        verb('client', 'add', *words)
    door = call('POST', '/signin', {'username': 'alice', 'password': 'correct horse'}, sec_fetch_site='same-origin')
    signed_in = {'cookie': '; '.join(value.partition(';')[0] for value in door.all('Set-Cookie'))}

    same([parameter(a, 'iss') for a in (ask('many', FORM), ask('many', prompt='none'))], [ISSUER] * 2, 'mix-up: a client of several servers is told which one answers')
    same([parameter(a, 'iss') for a in (ask('app', FORM), ask('app', prompt='none'))], [''] * 2, 'mix-up: control: no other client is')

    no_pkce = {'code_challenge': '', 'code_challenge_method': ''}
    code = code_of(ask('web', FORM, nonce='of-the-victim', **no_pkce))
    same(redeem('web', code).code, 'code_invalid', 'PKCE downgrade: who shows a verifier is refused a code whose challenge was taken out')
    got = redeem('web', code, None)
    same(got.status, 200, 'PKCE downgrade: control: by a client without PKCE it is redeemed')
    same('"nonce":"of-the-victim"' in base64.urlsafe_b64decode(got.json['id_token'].split('.')[1] + '==').decode(), True, 'code injection: and the id_token says for which sign-in it was made')
    for name, query in (('plain', {'code_challenge': VERIFIER, 'code_challenge_method': 'plain'}), ('no challenge', no_pkce | {'nonce': 'n'})):
        same((parameter(ask('app', FORM, **query), 'error'), code_of(ask('app', FORM, **query))), ('invalid_request', ''), f'PKCE downgrade: a public client with {name}')
    same(parameter(ask('web', FORM, **no_pkce), 'error'), 'invalid_request', 'code injection: a client with a secret, without challenge and nonce')

    own = URI['app']
    for name, uris in {'another host': ['https://evil.example/cb', 'https://evil.example/https://app.example/cb', 'https://app.example.evil.example/cb', '//app.example/cb', URI['web']],
                       'userinfo': ['https://app.example@evil.example/cb', 'https://evil.example@app.example/cb', 'https://app.example\\@evil.example/cb'],
                       'fragments': [own + '#x', own + '#@evil.example', own + '?x'],
                       'encodings': ['https://app.example/c%62', own + '%00', own + '\r\nLocation: https://evil.example/', 'https://app.example/x/../cb', own + '/'],
                       'ports': ['https://app.example:443/cb', 'https://app.example:8443/cb', 'https://app.example:/cb'],
                       'case': ['HTTPS://app.example/cb', 'https://APP.example/cb', 'https://app.example/CB', 'http://app.example/cb', 'javascript:alert(1)']}.items():
        answers = [a for uri in uris for a in (ask('app', FORM, redirect_uri=uri), ask('app', redirect_uri=uri, prompt='none', headers=signed_in), ask('app', redirect_uri=uri, response_type='x'))]
        same({(a.status, where(a)) for a in answers}, {(400, '')}, f'open redirect: {name}: nobody is sent there')
    answers = [ask('app', FORM), ask('app', prompt='none', headers=signed_in), ask('app', response_type='x')]
    same({(a.status, where(a).partition('?')[0]) for a in answers}, {(303, own)}, 'open redirect: control: to its own address')

    state = '"><script>x()</script>\r\nSet-Cookie: x=y'
    shown, sent = ask('app', state=state), ask('app', FORM, state=state)
    same(('<script>x' in shown.body, shown.status, sent.status, sent.all('Set-Cookie'), parameter(sent, 'state')), (False, 200, 303, [], state), 'echoes: a state is text and nothing else, and comes back as it was')
    same(parameter(ask('web', FORM, nonce='"<x>'), 'error'), 'invalid_request', 'echoes: a nonce with what JSON would escape')

    same([parameter(ask(client, prompt='none'), 'error') for client in ('web', 'cli')], ['login_required'] * 2, 'prompt=none: who is not signed in is not shown a page')
    same((parameter(ask('cli', prompt='none', headers=signed_in), 'error'), ask('cli', prompt='none', headers=signed_in).status), ('interaction_required', 303), 'silent program on a loopback port: by the cookie alone it gets no code')
    shown = ask('cli', headers=signed_in)
    same((shown.status, 'Go on to cli?' in shown.body, 'signed in as alice' in shown.body, where(shown)), (200, True, True, ''), 'silent program on a loopback port: the person is asked')
    same([bool(code_of(a)) for a in (ask('cli', {'do': 'allow'}, headers=signed_in), ask('web', prompt='none', headers=signed_in))], [True] * 2,
         'silent program on a loopback port: control: a person may allow it, and a site is silent')

    framed = [ask('app'), ask('cli', headers=signed_in), ask('app', redirect_uri='x'), call('GET', '/device', **signed_in)]
    same({"frame-ancestors 'none'" in ''.join(a.all('Content-Security-Policy')) for a in framed}, {True}, 'clickjacking: no page of it is shown in a frame')

    def refused_there(site, **headers):
        answers = [ask('cli', {'do': 'allow'}, site, signed_in | headers), ask('web', FORM, site, signed_in | headers),
                   call('POST', '/device', {'code': user_code, 'do': 'allow'}, sec_fetch_site=site, **signed_in | headers)]
        return {(a.status, where(a), ''.join(a.all('Access-Control-Allow-Origin'))) for a in answers}

    device = call('POST', '/device_authorization', {'client_id': 'tv'}, peer='198.51.100.9').json
    user_code, poll = device['user_code'], {'grant_type': 'urn:ietf:params:oauth:grant-type:device_code', 'client_id': 'tv', 'device_code': device['device_code']}
    same(refused_there('cross-site'), {(403, '', '')}, 'CSRF: a form of another site gets no code and connects no device')
    same(refused_there('same-site'), {(403, '', '')}, 'CSRF: nor does one of a sibling host')
    options(cors_origins='https://spa.example')
    same(refused_there('cross-site', origin='https://spa.example'), {(403, '', '')}, 'listed CORS origin: it may not do so either, nor read the page')
    preflight = call('OPTIONS', '/authorize', origin='https://spa.example', access_control_request_method='POST')
    same((preflight.all('Access-Control-Allow-Origin'), preflight.all('Access-Control-Allow-Methods')), ([], []), 'listed CORS origin: a preflight allows it nothing there')
    same(call('POST', '/token', {}, origin='https://spa.example').all('Access-Control-Allow-Origin'), ['https://spa.example'], 'listed CORS origin: control: at /token it is heard')
    options()

    call('GET', '/device', query='user_code=' + user_code, **signed_in)
    same(call('POST', '/token', poll).json['error'], 'authorization_pending', 'phishing by user code: a link with the code connects nothing')
    # A code has six bits of its network: of two networks one pair in 63 is taken for one, of eight pairs all are once in 10^14 runs.
    codes = [user_code] + [call('POST', '/device_authorization', {'client_id': 'tv'}, peer=f'198.51.100.{i}').json['user_code'] for i in range(10, 17)]
    pages = [call('POST', '/device', {'code': code}, sec_fetch_site='same-origin', **signed_in).body for code in codes]
    same(({'Connect tv?' in page for page in pages}, any('another network' in page for page in pages)), ({True}, True),
         'phishing by user code: the page names the client, and says that the code was asked for from elsewhere')
    here = call('POST', '/device_authorization', {'client_id': 'tv'}).json['user_code']
    words = call('POST', '/device', {'code': here}, sec_fetch_site='same-origin', **signed_in).body
    same(('Connect tv?' in words, 'another network' in words), (True, False), 'phishing by user code: control: not where it was asked for from here')
    same((call('POST', '/device', {'code': user_code, 'do': 'allow'}, sec_fetch_site='same-origin', **signed_in).status, call('POST', '/token', poll).status), (200, 200),
         'CSRF: control: a form of the page itself connects it')

    verb('user', 'add', 'mallory', text='correct horse\n')
    door = call('POST', '/signin', {'username': 'mallory', 'password': 'correct horse'}, sec_fetch_site='same-origin')
    other = {'cookie': '; '.join(value.partition(';')[0] for value in door.all('Set-Cookie'))}
    tries = []
    while len(tries) < 40 and 429 not in tries:
        code = f'BCDF-GHJK-{"BCDFGHJKLM"[len(tries) % 10]}{"BCDFGHJKLM"[len(tries) // 10]}MM'
        tries.append(call('POST', '/device', {'code': code}, peer='203.0.113.5', sec_fetch_site='same-origin', **other).status)
    same((tries[0] in (200, 400, 403), tries[-1]), (True, 429), 'user codes tried by who is signed in: after some he is refused')
    words = call('POST', '/device', {'code': here}, peer='203.0.113.5', sec_fetch_site='same-origin', **other)
    same((words.status, 'Connect tv?' in words.body), (429, False), 'user codes tried by who is signed in: a right one, too')
    same('Connect tv?' in call('POST', '/device', {'code': here}, sec_fetch_site='same-origin', **signed_in).body, True, 'user codes tried by who is signed in: control: nobody else is')

    token = {'authorization': 'Bearer ' + redeem('app', by_password('app')).json['access_token']}
    paths = (('GET', '/me'), ('GET', '/verify'), ('GET', '/sessions'), ('DELETE', '/sessions'), ('GET', '/audit'), ('POST', '/password'), ('DELETE', '/me'))
    same({call(*path, **token).status // 100 for path in paths}, {4}, "a client's access token: it opens no call of the app API")
    rs = verb('client', 'add', 'rs', 'introspect')
    said = call('POST', '/introspect', {'token': token['authorization'][7:], 'client_id': 'rs', 'client_secret': rs}).json
    same((said['client_id'], said['aud']), ('app', ISSUER), "a client's access token: another client is told whose it is, and for whom")
    same(call('GET', '/userinfo', **token).status, 200, "a client's access token: control: /userinfo")


# --- ways in: a second factor, passkeys, wallets
PASSWORD = 'correct horse'


def forget_tries():
    if os.path.exists(f'{DIR}/throttle'):
        os.remove(f'{DIR}/throttle')


def login(user, code=None, password=PASSWORD, **more):
    return in_json('/login', {'username': user, 'password': password} | ({'code': code} if code else {}), **more)


def bearer(answer):
    return {'authorization': 'Bearer ' + answer.json['data']['access_token']}


def sign_in(user, code=None, ticket=None, **more):
    """The form of /signin. Its answer, and the cookies that it sets."""
    form = {'username': user, 'stay': 'true'} | ({'shown': ticket} if ticket else {'password': PASSWORD}) | ({'second': code} if code else {})
    answer = call('POST', '/signin', form, sec_fetch_site='same-origin', **more)
    return answer, {'cookie': '; '.join(value.partition(';')[0] for value in answer.all('Set-Cookie'))}


def hidden(answer, name):
    """What a form has in a hidden field."""
    return ''.join(re.findall(f'name="{name}" value="([^"]*)"', answer.body)[:1])


def codes_differ(secret, at):
    """Of six digits two that are the same come up once in some hundred thousand secrets."""
    return len({totp(secret, at + 30 * step) for step in range(-4, 9)}) == 13


def enrol(user, at):
    """Sets a second factor up, with the code of a time. Around then no two steps have the same code."""
    token = bearer(login(user))
    made = {}
    while not made or not codes_differ(made['secret'], at):
        made = in_json('/totp', {'password': PASSWORD}, **token).json['data']
    in_json('/totp/confirm', {'ticket': made['ticket'], 'code': totp(made['secret'], at)}, **token)
    return made['secret'], made['recovery'], token


def factor_is_passed_by():
    """The password alone, wherever one is asked for."""
    verb('user', 'add', 'carol', text=PASSWORD + '\n')
    for words in (('bank', 'public,factor', URI['bank']), ('tv', 'public,device')):
        verb('client', 'add', *words)
    _, codes, token = enrol('carol', time.time() - 15)
    door = sign_in('carol', codes.pop())[1]
    user_code = call('POST', '/device_authorization', {'client_id': 'tv'}).json['user_code']

    def account(code, **form):
        return call('POST', '/account', form | {'password': PASSWORD} | ({'second': code} if code else {}), sec_fetch_site='same-origin', **door)

    def shown(code):
        return {'username': 'carol', 'password': PASSWORD} | ({'second': code} if code else {})

    def own(method, path, code, **members):
        body = members | ({'code': code} if code else {})
        return call(method, path, json.dumps(body).encode(), kind='application/json', **token)

    ways = {
        '/login': lambda code: login('carol', code),
        '/login, with a cookie': lambda code: in_json('/login', {'username': 'carol', 'password': PASSWORD, 'cookie': True} | ({'code': code} if code else {}), sec_fetch_site='same-origin'),
        '/signin': lambda code: sign_in('carol', code)[0],
        '/authorize': lambda code: ask('app', shown(code)),
        '/authorize, to stay': lambda code: ask('app', shown(code) | {'stay': 'true'}),
        '/device': lambda code: call('POST', '/device', shown(code) | {'code': user_code}, sec_fetch_site='same-origin'),
        '/password': lambda code: own('POST', '/password', code, current_password=PASSWORD, new_password='another horse'),
        '/totp/off': lambda code: own('POST', '/totp/off', code, password=PASSWORD),
        'DELETE /me': lambda code: own('DELETE', '/me', code, password=PASSWORD),
        'another password on /account': lambda code: account(code, do='password', next='another horse'),
        'no factor on /account': lambda code: account(code, do='factor-off'),
        'no account on /account': lambda code: account(code, do='delete'),
    }
    keep()
    before = len(sessions())
    for name, way in ways.items():
        answer = way(None)
        same((answer.status in (401, 403), answer.all('Set-Cookie'), len(sessions()), login('carol').code), (True, [], before, 'code_required'), f'second factor: {name}: the password alone does nothing')
        forget_tries()
    for name, way in ways.items():
        put_back()
        same(way(codes[0]).status in (200, 204, 303), True, f'second factor: {name}: control: with a code it does')
    put_back()
    link = verb('user', 'link', 'carol').partition('#link=')[2].split()[0]
    in_json('/password/link', {'ticket': link, 'new_password': 'another horse'})
    same((login('carol', password='another horse').code, login('carol', codes[1], 'another horse').status), ('code_required', 200), "second factor: an operator's link sets another password, and takes it away from nobody")
    put_back()
    return codes


def codes_are_used_again():
    verb('user', 'add', 'dora', text=PASSWORD + '\n')
    keep()
    now = time.time()                           # these two count for 15 seconds at the least
    secret, codes, _ = enrol('dora', now - 15)
    newer = totp(secret, now + 15)
    same((login('dora', newer).status, login('dora', newer).code), (200, 'invalid_credentials'), 'second factor: a code counts once')
    same((login('dora', codes[0]).status, login('dora', codes[0]).code), (200, 'invalid_credentials'), 'second factor: a recovery code counts once')
    both = [ask('app', {'username': 'dora', 'password': PASSWORD, 'second': codes[1]}) for _ in range(2)]
    same(sorted(redeem('app', code_of(a)).status for a in both), [200, 400], 'second factor: with one code of it two codes of a client are one session')
    same(login('dora', codes[2]).status, 200, 'second factor: control: another code is good')
    put_back()
    forget_tries()
    now = time.time()
    secret, codes, _ = enrol('dora', now + 15)
    same(login('dora', totp(secret, now - 15)).code, 'invalid_credentials', 'second factor: a code of an older step, which nobody has used, is none after a newer one')
    put_back()
    now = time.time()
    secret, codes, _ = enrol('dora', now - 15)
    same(login('dora', totp(secret, now + 15)).status, 200, 'second factor: control: the newer one after the older')
    return codes


def codes_are_guessed():
    """As many as a network may try. By the clock there may be one more each six seconds."""
    def tries(*codes):
        forget_tries()
        begun = time.monotonic()
        got = [login('dora', code, peer='203.0.113.77').code for _ in range(40) for code in codes]
        return got.count('invalid_credentials') <= 6 + (time.monotonic() - begun) / 6, 'rate_limited' in got
    same(tries('no code of hers'), (True, True), 'second factor: who knows the password may guess five codes')
    same(tries('no code of hers', None), (True, True), 'second factor: and asking for the code in between forgives none')
    forget_tries()
    same({login('dora', peer='203.0.113.77').code for _ in range(40)}, {'code_required'}, 'second factor: control: the right password alone is no guess')
    forget_tries()


def tickets_and_others(hers):
    """hers: recovery codes of carol, who isn't dora."""
    same(login('dora', hers[2]).code, 'invalid_credentials', "second factor: another user's code is none")
    answer = sign_in('dora')[0]
    ticket = hidden(answer, 'shown')
    same((len(ticket) > 99, 'one-time-code' in answer.body), (True, True), 'second factor: the form shows by a ticket that the password was right')
    forget_tries()
    same({sign_in(user, code, ticket)[0].status for user, code in (('dora', None), ('carol', hers[3]), ('carol', None), ('dora', hers[3]))} - {400, 403}, set(), "second factor: the ticket alone, at another user, or with another's code is nothing")
    keep()
    forget_tries()
    same(sign_in('dora', codes_of_dora[4], ticket)[0].status, 303, 'second factor: control: with her code it signs in')
    put_back()
    verb('user', 'passwd', 'dora', text=PASSWORD + '\n')
    forget_tries()
    same(sign_in('dora', codes_of_dora[4], ticket)[0].status in (400, 403), True, 'second factor: another password since then ends the ticket')
    put_back()
    forget_tries()

    weak = sign_in('alice')[1]
    strong = sign_in('dora', codes_of_dora[5])[1]
    same((parameter(ask('bank', prompt='none', headers=weak), 'error'), code_of(ask('bank', headers=weak)), code_of(ask('bank', {'username': 'alice', 'password': PASSWORD}))), ('login_required', '', ''),
         'a client that wants two factors: a sign-in by the password alone gets no code')
    same(bool(code_of(ask('bank', prompt='none', headers=strong))), True, 'a client that wants two factors: control: one with a code does')
    verb('client', 'add', 'safe', 'public,device,factor')
    user_code = call('POST', '/device_authorization', {'client_id': 'safe'}).json['user_code']
    pages = [call('POST', '/device', {'code': user_code}, sec_fetch_site='same-origin', **cookies) for cookies in (weak, strong)]
    same([(a.status, 'Connect safe?' in a.body) for a in pages], [(403, False), (200, True)], 'a client that wants two factors: nor does it connect a device; control: with a code it does')


def challenge(token=None):
    return in_json('/passkeys/challenge', {'register': True} if token else {}, **token or {}).json['data']


def by_passkey(body):
    forget_tries()
    return in_json('/passkeys/login', body)


def passkeys():
    verb('user', 'add', 'mallory', text=PASSWORD + '\n')
    alice, mallory = bearer(login('alice')), bearer(login('mallory'))
    origin = ISSUER.partition('/api')[0]
    key, other = Passkey(origin), Passkey(origin, 0x7654321, b'another credential')
    theirs = challenge(alice)
    same(in_json('/passkeys', other.registration(theirs), **mallory).code, 'challenge_invalid', "passkey: a challenge of another user's registers none")
    same([in_json('/passkeys', k.registration(challenge(token)), **token).status for k, token in ((key, alice), (other, mallory))], [201, 201], 'passkey: control: of her own it does')
    same(by_passkey(key.assertion(theirs)).code, 'challenge_invalid', 'passkey: nor does one to register sign anybody in')

    shown = key.assertion(challenge())
    first = by_passkey(shown).json['data']
    before = len(sessions())
    same((by_passkey(shown).status, len(sessions())), (200, before), 'passkey: the same assertion at once is the same session')
    token = in_json('/refresh', {'refresh_token': first['refresh_token']}).json['data']['refresh_token']
    same((by_passkey(shown).code, in_json('/refresh', {'refresh_token': token}).status), ('challenge_invalid', 200), 'passkey: replayed once the session went on, it is nothing, and ends nothing')
    same(by_passkey(key.assertion(challenge())).status, 200, 'passkey: control: another assertion signs in')

    mixed = other.assertion(challenge())
    same(by_passkey(mixed | {'user_handle': key.handle}).code, 'invalid_credentials', "passkey: one's own assertion with another user's handle")
    same(by_passkey(mixed | {'user_handle': key.handle, 'id': key.assertion(challenge())['id']}).code, 'invalid_credentials', "passkey: and with the id of that user's passkey")
    same(by_passkey(mixed).status, 200, 'passkey: control: as it is')

    false_page = Passkey('https://login.example.evil.example')
    false_page.handle = key.handle
    same(by_passkey(false_page.assertion(challenge())).code, 'cross_site', 'passkey: made on a false page')
    same(by_passkey(key.assertion(challenge() | {'rp_id': 'evil.example'})).code, 'invalid_request', 'passkey: made for another host')
    same(by_passkey(key.assertion({'challenge': 'AAAA', 'rp_id': 'login.example'})).code, 'challenge_invalid', 'passkey: for a challenge that nobody made')
    key.counter = 7
    copied = key.assertion(challenge())
    same([by_passkey(copied).status, by_passkey(key.assertion(challenge())).code], [200, 'invalid_credentials'], 'passkey: a counter that stands still is a copy')
    key.counter = 8
    same(by_passkey(key.assertion(challenge())).status, 200, 'passkey: control: the next is none')

    def form(body, **more):
        return {'data': body['authenticator_data'], 'handle': body['user_handle'], **{name: body[name] for name in ('id', 'client_data', 'signature')}, **more}

    once = {'challenge': hidden_challenge(ask('app')), 'rp_id': 'login.example'}
    shown = other.assertion(once)
    given = [code_of(ask(client, form(shown))) for client in ('app', 'bank')]
    before = len(sessions())
    same((all(given), sorted([redeem('bank', given[1]).status, redeem('app', given[0]).status]), len(sessions()) - before), (True, [200, 400], 1), 'passkey: one assertion at two clients is one session')
    same((by_passkey(shown).code, ask('app', form(shown)).status, len(sessions()) - before), ('challenge_invalid', 400, 1), 'passkey: nor is it another in the app API or on the page')
    same(bool(code_of(ask('app', form(other.assertion({'challenge': hidden_challenge(ask('app')), 'rp_id': 'login.example'}))))), True, 'passkey: control: another is')


def hidden_challenge(answer):
    return ''.join(re.findall('data-challenge="([^"]*)"', answer.body)[:1])


def wallets():
    options(wallets='solana:mainnet', signup='on')
    ours, other = Wallet(), Wallet(b'x' * 32)

    def text(wallet):
        return in_json('/wallet/challenge', wallet.who).json['data']['message']

    def by_wallet(shown, **more):
        forget_tries()
        return in_json('/wallet/login', shown | more)

    shown = ours.shown(text(ours))
    first = by_wallet(shown).json['data']
    token = in_json('/refresh', {'refresh_token': first['refresh_token']}).json['data']['refresh_token']
    same((by_wallet(shown).code, in_json('/refresh', {'refresh_token': token}).status), ('challenge_invalid', 200), 'wallet: replayed once the session went on, a signed text is nothing, and ends nothing')
    same(by_wallet(ours.shown(text(ours))).status, 200, 'wallet: control: another signs in')
    same(by_wallet(other.shown(text(ours))).code, 'challenge_invalid', 'wallet: a text for another wallet')
    same(by_wallet(ours.shown(text(ours).replace('login.example', 'evil.example', 1))).code, 'challenge_invalid', 'wallet: a text with the name of another place')
    same(by_wallet(other.shown(text(ours)) | ours.who).code, 'invalid_credentials', "wallet: a text signed by another's key")
    same(by_wallet(other.shown(text(other)), username='alice').code, 'invalid_credentials', 'wallet: a user whom it is not linked to')
    alice = bearer(login('alice'))
    same(in_json('/wallet', other.shown(text(other)), **alice).status, 201, 'wallet: control: it is linked')
    same(by_wallet(other.shown(text(other)), username='alice').status, 200, 'wallet: control: and signs her in')
    same(by_wallet(ours.shown(text(ours)), username='alice').code, 'invalid_credentials', 'wallet: no other does')
    wallets_and_factors(other, text, by_wallet)
    own = f'solana:{ours.who["address"]}'
    verb('user', 'disable', own)
    same(by_wallet(ours.shown(text(ours))).code, 'invalid_credentials', 'wallet: one that was stolen, once the operator has disabled its user')
    verb('user', 'enable', own)
    same(by_wallet(ours.shown(text(ours))).status, 200, 'wallet: control: enabled again')
    verb('user', 'keys', own, 'forget', json.loads(verb('user', 'keys', own, '--json'))[0]['id'])
    same(by_wallet(ours.shown(text(ours))).code, 'invalid_credentials', 'wallet: or once he has forgotten its key')
    link = verb('user', 'link', own).partition('#link=')[2].split()[0]
    in_json('/password/link', {'ticket': link, 'new_password': 'another horse'})
    forget_tries()
    same(login(own, password='another horse').status, 200, 'wallet: control: its owner signs in by a password that the operator let him choose')
    options()


def wallets_and_factors(wallet, text, by_wallet):
    """A wallet is one factor: a user who has, or must have, a second one is asked for it."""
    verb('user', 'add', 'erin', text=PASSWORD + '\n')
    in_json('/wallet', wallet.shown(text(wallet)), **bearer(login('erin')))
    options(wallets='solana:mainnet', signup='on', factor_groups='staff')
    same(by_wallet(wallet.shown(text(wallet)), username='erin').status, 200, 'wallet: control: who needs no second factor signs in by it alone')
    keep()
    verb('user', 'set', 'erin', 'groups', 'staff')
    before, answer = len(sessions()), by_wallet(wallet.shown(text(wallet)), username='erin')
    same((answer.code, len(sessions())), ('factor_required', before), 'wallet: of a user who must have a second factor, and has none, it signs nobody in')
    put_back()
    _, codes, _ = enrol('erin', time.time())
    shown = wallet.shown(text(wallet))
    before, answer = len(sessions()), by_wallet(shown, username='erin')
    same((answer.code, len(sessions()), by_wallet(shown, username='erin', cookie=True).all('Set-Cookie')), ('code_required', before, []), 'wallet: the signature alone, of a user who has a second factor, signs nobody in')
    same((by_wallet(shown, username='erin', code='no code of hers').code, last_event()['event'], last_event()['class']), ('invalid_credentials', 'login_failed', 'factor'), 'wallet: nor does a wrong code, which the trail has')
    same((by_wallet(shown, username='erin', code=codes[0]).status, len(sessions())), (200, before + 1), 'wallet: control: the same text with a code does')
    same((by_wallet(shown, username='erin').code, by_wallet(shown, username='erin', code=codes[1]).code), ('challenge_invalid', 'challenge_invalid'), 'wallet: once it has signed in, that text is nothing without its code, nor with another')
    shown = wallet.shown(text(wallet))
    forget_tries()
    begun = time.monotonic()
    got = [in_json('/wallet/login', shown | {'username': 'erin'} | code, peer='203.0.113.78').code for _ in range(40) for code in ({'code': 'none'}, {})]
    same((got.count('invalid_credentials') <= 6 + (time.monotonic() - begun) / 6, got[-1]), (True, 'rate_limited'), 'wallet: who has the wallet may guess five codes, and asking for the code in between forgives none')


def end():
    print(f'1..{count}')
    sys.exit(failed != 0)


PART = os.environ.get('LK_PART')        # which half a broken program is shown; else both
if PART in (None, 'pages'):
    pages()
if PART in (None, 'ways'):
    codes_of_carol = factor_is_passed_by()
    codes_of_dora = codes_are_used_again()
    codes_are_guessed()
    tickets_and_others(codes_of_carol)
    passkeys()
    wallets()
if PART in ('pages', 'ways'):
    end()

# --- a code that is used twice (RFC 6749, 4.1.2; RFC 9700, 2.1.1)
code = by_password('app')
first = redeem('app', code)
same((first.status, redeem('app', code).lasting()), (200, first.lasting()), 'code twice: at once it is the same request, with the same answer')
keep()
options(reuse_grace='1s')
time.sleep(2.1)
same((redeem('app', code).code, refresh('app', first.json['refresh_token']).code), ('refresh_reused', 'session_revoked'), 'code twice: after the grace the session ends')
same(last_event(event='reuse').get('class'), 'code', 'code twice: and the trail says why')
put_back()
next_one = refresh('app', first.json['refresh_token'])
same((redeem('app', code).code, refresh('app', next_one.json['refresh_token']).code), ('refresh_reused', 'session_revoked'),
     'code twice: once the session was refreshed it ends at once')
put_back()
same(refresh('app', first.json['refresh_token']).status, 200, 'code twice: control: without the second use it stands')
options()

# --- ten at once
code = by_password('app')
before = len(sessions())
programs = [begin(*redemption('app', code)) for _ in range(10)]
answers = [Answer(p) for p in programs]
bodies = {(a if a.status != 503 else redeem('app', code)).lasting() for a in answers}        # busy: on a slow machine
same((len(bodies), len(sessions()) - before, '"refresh_token"' in ''.join(bodies)), (1, 1, True), 'ten redemptions at once: one session, and one answer')
codes = [by_password('app') for _ in range(3)]
programs = [begin(*redemption('app', c)) for c in codes]
same((len({Answer(p).body for p in programs}), len(sessions()) - before), (3, 4), 'ten at once: control: three codes make three')

# --- a stolen code
code = by_password('app')
before = len(sessions())
for name, answer in (('without the verifier', redeem('app', code, None)), ('with another verifier', redeem('app', code, OTHER)),
                     ('at another client', redeem('web', code)), ('for another redirect URI', redeem('app', code, redirect_uri=URI['web']))):
    same((answer.status, answer.code, len(sessions())), (400, 'code_invalid', before), f'stolen code: {name} it is worth nothing')
same(redeem('app', code).status, 200, 'stolen code: control: and its owner redeems it')
code = by_password('app')
stolen = redeem('app', code)
same((stolen.status, redeem('app', code, peer='198.51.100.9').lasting()), (200, stolen.lasting()), 'stolen code: with the verifier both have one session')
options(reuse_grace='0')
code = by_password('app')
stolen = redeem('app', code, peer='198.51.100.9')
same((redeem('app', code).code, refresh('app', stolen.json['refresh_token']).code), ('refresh_reused', 'session_revoked'),
     'stolen code: or, without a grace, none, once its owner comes')
options()
code = by_password('app')
verb('user', 'passwd', 'alice', text='correct horse\n')
same(redeem('app', code).code, 'code_invalid', 'stolen code: another password since then ends it')
code = by_password('app')
same(redeem('app', code).status, 200, 'stolen code: control: without one it is good')

# --- tokens of one dialect in the other
mine = redeem('app', by_password('app')).json
spent = mine['refresh_token']
mine = refresh('app', refresh('app', spent).json['refresh_token']).json
for name, token in (('the newest', mine['refresh_token']), ('a spent', spent)):
    same(in_json('/refresh', {'refresh_token': token}).code, 'refresh_invalid', f'dialects: {name} token of a client at /refresh')
    same(in_json('/logout', {'refresh_token': token}).status, 204, f'dialects: {name} token of a client at /logout')
    same(refresh('web', token).code, 'refresh_invalid', f'dialects: {name} token of a client by another one')
    same(call('POST', '/revoke', {'token': token, 'client_id': 'web', 'client_secret': secret}).status, 200, f'dialects: {name} token revoked by another client')
same(refresh('app', mine['refresh_token']).status, 200, 'dialects: control: none of that ended it')
own = in_json('/login', {'username': 'alice', 'password': 'correct horse'}).json['data']['refresh_token']
same(refresh('app', own).code, 'refresh_invalid', "dialects: the app's own token, shown by a client")
same(refresh(None, own).status, 200, 'dialects: control: without one it is refreshed at /token')
cookie = in_json('/login', {'username': 'alice', 'password': 'correct horse', 'cookie': True}).all('Set-Cookie')[0].partition(';')[0]
same(refresh(None, cookie.partition('=')[2]).code, 'refresh_invalid', 'dialects: a cookie is none there, whose successor a body would hold')
same(in_json('/refresh', {'cookie': True}, cookie=cookie, sec_fetch_site='same-origin').status, 200, 'dialects: control: it is one as a cookie')

# --- a key that looks like the place (line 7b): the row was rotated without one
mine = redeem('app', by_password('app')).json['refresh_token']
refresh('app', mine, user_agent='Phone/1')
options(reuse_grace='10s')
keep()


def comes_back(peer, agent, key=None):
    """The same token again, as if forty seconds had passed since its rotation."""
    put_back()
    sql = 'UPDATE session SET rotated_at = rotated_at - 40 WHERE ended_at = 0'
    subprocess.run([sys.executable, '-c', f'import sqlite3; c = sqlite3.connect({DIR + "/latchkey.db"!r}); c.execute({sql!r}); c.commit()'], check=True)
    form = {'grant_type': 'refresh_token', 'refresh_token': mine, 'client_id': 'app'} | ({'idempotency_key': key} if key else {})
    return call('POST', '/token', form, peer=peer, user_agent=agent).code or 'answered'


def can_be_changed():
    """By another program: where SQLite's library here reads what this one wrote."""
    return comes_back('192.0.2.7', 'Phone/1') == 'answered'


same(can_be_changed(), True, 'place: control: from where it was rotated it is answered after the grace')
same(last_event(event='replay').get('event'), 'replay', 'place: and counted')
same(comes_back('192.0.2.8', 'Phone/1'), 'refresh_reused', 'place: not from the next address')
same(comes_back('192.0.2.7', 'Phone/2'), 'refresh_reused', 'place: nor by another program')
packed = '\x04\xc0\x00\x02\x07'.encode('latin-1').hex()
for key in ('192.0.2.7Phone/1', '192.0.2.7', packed, 'place'):
    same(comes_back('198.51.100.9', 'Phone/1', key), 'refresh_reused', f'place: nor from elsewhere with the key {key}')
same(comes_back('192.0.2.7', 'Phone/1', 'a key'), 'refresh_reused', 'place: nor from there with a key that the rotation had not')
put_back()
options()

# --- a copied cookie of the door, by which its thief signs in to a client
door = call('POST', '/signin', {'username': 'alice', 'password': 'correct horse'}, sec_fetch_site='same-origin')
cookies = '; '.join(value.partition(';')[0] for value in door.all('Set-Cookie'))
site = max(json.loads(verb('session', 'list', '--json')), key=lambda s: (s['cookie'] and s['generation'] == 0, s['created_at']))['id']
codes = [authorize('web', cookie=cookies) for _ in range(3)]
same(len({c for c in codes if c}), 3, 'copied cookie: it signs in to a client, as often as one likes')
pair = [redeem('web', c).json for c in codes[:2]]
same(len({re.search(r'"sid":"(\w+)"', base64.urlsafe_b64decode(p['access_token'].split('.')[1] + '==').decode()).group(1) for p in pair}), 2,
     'two codes from one sign-in: two sessions')
same((last_event(event='login').get('class'), last_event(event='login').get('client')), ('sso', 'web'), 'copied cookie: which the trail calls sso')
options(reuse_grace='0')
same((redeem('web', codes[0]).code, refresh('web', pair[0]['refresh_token']).code, refresh('web', pair[1]['refresh_token']).status),
     ('refresh_reused', 'session_revoked', 200), 'two codes from one sign-in: the second use of one ends its own session alone')
options()
by_hand = redeem('app', by_password('app')).json
pair = [redeem('web', authorize('web', cookie=cookies)).json for _ in range(2)]
keep()
verb('session', 'revoke', site)
same([refresh('web', p['refresh_token']).code for p in pair], ['session_revoked'] * 2, 'copied cookie: what it signed in ends with it')
same(refresh('app', by_hand['refresh_token']).status, 200, 'copied cookie: control: what a password signed in does not')
same(redeem('web', codes[2]).code, 'code_invalid', 'copied cookie: nor is a code good that it got before')
put_back()
same([refresh('web', p['refresh_token']).status for p in pair], [200] * 2, 'copied cookie: control: while it stands they do')
same(redeem('web', codes[2]).status, 200, 'copied cookie: control: and so does the code')

# --- a code that outlives the row of its session
options(refresh_ttl='1s')
code = by_password('app')
token = redeem('app', code).json['refresh_token']
call('POST', '/revoke', {'token': token, 'client_id': 'app'})
time.sleep(2.1)
for _ in range(30):
    in_json('/login', {'username': 'alice', 'password': 'correct horse'})
answer = redeem('app', code)
same((answer.status, answer.code), (400, 'code_invalid'), 'swept row: thirty sign-ins later the code is used still')
same(redeem('app', by_password('app')).status, 200, 'swept row: control: another is good')

# --- programs in which one of the rules is missing
def lets_in(fault, part):
    done = subprocess.run([sys.executable, __file__, f'{BROKEN}/{fault}', f'{DIR}.{fault}'], capture_output=True, text=True, check=False, env=os.environ | {'LK_PART': part})
    return [line.partition(' - ')[2] for line in done.stdout.splitlines() if line.startswith('not ok')]


if BROKEN:
    for fault, part, attack in (('any-client', 'sessions', 'dialects: a spent token of a client at /refresh'), ('code-again', 'sessions', 'code twice: after the grace the session ends'),
                                ('cookie-alone', 'sessions', 'copied cookie: what it signed in ends with it'), ('uri-prefix', 'pages', 'open redirect: fragments: nobody is sent there'),
                                ('any-form', 'pages', 'CSRF: a form of another site gets no code and connects no device'),
                                ('silent-app', 'pages', 'silent program on a loopback port: by the cookie alone it gets no code'),
                                ('code-optional', 'ways', 'second factor: /login: the password alone does nothing'), ('totp-twice', 'ways', 'second factor: a code counts once'),
                                ('recovery-twice', 'ways', 'second factor: a recovery code counts once'), ('guess-free', 'ways', 'second factor: who knows the password may guess five codes'),
                                ('factor-weak', 'ways', 'a client that wants two factors: a sign-in by the password alone gets no code'),
                                ('challenge-anybody', 'ways', "passkey: a challenge of another user's registers none"),
                                ('challenge-twice', 'ways', 'passkey: one assertion at two clients is one session'), ('wallet-anybody', 'ways', 'wallet: a user whom it is not linked to'),
                                ('wallet-single', 'ways', 'wallet: the signature alone, of a user who has a second factor, signs nobody in')):
        same(attack in lets_in(fault, part), True, f'control: {fault} lets in {attack}')

end()
