"""Authlib as a client, with its own PKCE and its own judgement of the id_token; and as a resource server, which asks /introspect."""
import os
import secrets
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from authlib.oauth2.rfc7662 import IntrospectTokenValidator
from authlib.oidc.core import CodeIDToken
from speak import ID, ISSUER, REDIRECT_URI, SCOPE, SECRET, speak

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # loopback
metadata = requests.get(ISSUER + "/.well-known/openid-configuration").json()
session = OAuth2Session(ID, SECRET, scope=SCOPE, redirect_uri=REDIRECT_URI, code_challenge_method="S256",
                        token_endpoint_auth_method="client_secret_basic")
made = {}


class Introspect(IntrospectTokenValidator):
    def introspect_token(self, token_string):
        return requests.post(metadata["introspection_endpoint"], data={"token": token_string}, auth=(ID, SECRET)).json()


def judged(token, nonce=None):
    keys = JsonWebKey.import_key_set(requests.get(metadata["jwks_uri"]).json())
    claims = jwt.decode(token["id_token"], keys, claims_cls=CodeIDToken,
                        claims_options={"iss": {"value": ISSUER}, "aud": {"value": ID}}, claims_params={"nonce": nonce} if nonce else {})
    claims.validate()
    return claims["preferred_username"]


def keep(token, nonce=None):
    guard = Introspect()
    seen = guard.authenticate_token(token["access_token"])
    guard.validate_token(seen, ["profile"], None)
    user = judged(token, nonce)
    if seen["username"] != user or session.get(ISSUER + "/userinfo").json()["preferred_username"] != user:
        raise ValueError("three words for one user")
    return {"user": user, "access": token["access_token"]}


def begin():
    made.update(verifier=secrets.token_urlsafe(48), nonce=secrets.token_urlsafe())
    url, made["state"] = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=made["verifier"], nonce=made["nonce"])
    return url


def finish(url):
    token = session.fetch_token(metadata["token_endpoint"], authorization_response=url, state=made["state"], code_verifier=made["verifier"])
    return keep(token, made["nonce"])


def refresh():
    return keep(session.refresh_token(metadata["token_endpoint"]))


def revoke():
    session.revoke_token(metadata["revocation_endpoint"], session.token["refresh_token"], "refresh_token").raise_for_status()


speak({"begin": begin, "finish": finish, "refresh": refresh, "revoke": revoke})
