"""requests-oauthlib 1.3 knows no PKCE of its own: the app sends code_challenge along."""
import base64
import hashlib
import os
import secrets
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from requests_oauthlib import OAuth2Session
from speak import ID, ISSUER, REDIRECT_URI, SCOPE, SECRET, speak

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # loopback
session = OAuth2Session(ID, redirect_uri=REDIRECT_URI, scope=SCOPE.split())
verifier = secrets.token_urlsafe(96)


def keep(token):
    user = session.get(ISSUER + "/userinfo").json()["preferred_username"]
    return {"user": user, "access": token["access_token"]}


def begin():
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return session.authorization_url(ISSUER + "/authorize", code_challenge=challenge, code_challenge_method="S256")[0]


def finish(url):
    return keep(session.fetch_token(ISSUER + "/token", authorization_response=url, client_secret=SECRET, code_verifier=verifier))


def refresh():
    return keep(session.refresh_token(ISSUER + "/token", client_id=ID, client_secret=SECRET))


def revoke():
    answer = session.post(ISSUER + "/revoke", data={"token": session.token["refresh_token"], "client_id": ID, "client_secret": SECRET})
    answer.raise_for_status()


speak({"begin": begin, "finish": finish, "refresh": refresh, "revoke": revoke})
