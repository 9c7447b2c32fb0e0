"""What people sign in with, in software: an authenticator for passkeys, a wallet of Solana, an app for codes. None is for anybody's secrets."""
import base64
import hashlib
import hmac
import json


def letters(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Passkey:
    """A key of P-256 (FIPS 186-4, D.1.2.3), whose signatures are made with a number that is no secret. The challenge is what /passkeys/challenge answers."""
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
    g = (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296, 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5)

    def __init__(self, origin, secret=0x1234567, identifier=b"a credential"):
        self.origin, self.secret, self.identifier, self.counter, self.handle = origin, secret, identifier, 0, ""

    def add(self, a, b):
        if a is None or b is None:
            return a or b
        if a == b:
            slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, self.p)
        else:
            slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, self.p)
        x = (slope * slope - a[0] - b[0]) % self.p
        return x, (slope * (a[0] - x) - a[1]) % self.p

    def times(self, k):
        total, point = None, self.g
        while k:
            total = self.add(total, point) if k & 1 else total
            point, k = self.add(point, point), k >> 1
        return total

    def shown(self, kind, flags, challenge, more=b""):
        client = json.dumps({"type": "webauthn." + kind, "challenge": challenge["challenge"], "origin": self.origin}).encode()
        return client, hashlib.sha256(challenge["rp_id"].encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big") + more

    def registration(self, challenge):
        x, y = (v.to_bytes(32, "big") for v in self.times(self.secret))
        key = bytes.fromhex("a5010203262001215820") + x + bytes.fromhex("225820") + y
        client, data = self.shown("create", 0x45, challenge, bytes(16) + bytes([0, len(self.identifier)]) + self.identifier + key)
        self.handle = challenge["user"]["id"]
        return {"client_data": letters(client), "authenticator_data": letters(data)}

    def assertion(self, challenge):
        client, data = self.shown("get", 0x05, challenge)
        z = int.from_bytes(hashlib.sha256(data + hashlib.sha256(client).digest()).digest(), "big")
        r = self.times(z)[0] % self.n
        s = pow(z, -1, self.n) * (z + r * self.secret) % self.n
        numbers = b"".join(b"\x02\x21\x00" + v.to_bytes(32, "big") for v in (r, s))
        return {"id": letters(self.identifier), "client_data": letters(client), "authenticator_data": letters(data),
                "signature": letters(b"\x30\x46" + numbers), "user_handle": self.handle}


class Wallet:
    """A wallet of Solana: Ed25519 (RFC 8032, 5.1), with the first key of its 7.1, or another."""
    p = 2**255 - 19
    q = 2**252 + 27742317777372353535851937790883648493
    d = -121665 * pow(121666, -1, p) % p
    g = (15112221349535400772501151409588531511454012693041857206046113283949847762202,
         46316835694926478169428394003475163141307993866256225615783033603165251855960)

    def __init__(self, seed=bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")):
        self.seed = seed
        self.who = {"chain": "solana", "address": self.base58(self.times(self.halves()[0]))}

    @staticmethod
    def base58(key):
        text, number = "", int.from_bytes(key, "big")
        while number:
            number, digit = divmod(number, 58)
            text = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[digit] + text
        return "1" * (len(key) - len(key.lstrip(b"\0"))) + text

    def add(self, a, b):
        k = self.d * a[0] * b[0] * a[1] * b[1]
        return ((a[0] * b[1] + a[1] * b[0]) * pow(1 + k, -1, self.p) % self.p, (a[1] * b[1] + a[0] * b[0]) * pow(1 - k, -1, self.p) % self.p)

    def times(self, n):
        total, point = (0, 1), self.g
        while n:
            total = self.add(total, point) if n & 1 else total
            point, n = self.add(point, point), n >> 1
        return (total[1] | (total[0] & 1) << 255).to_bytes(32, "little")

    def halves(self):
        h = hashlib.sha512(self.seed).digest()
        return int.from_bytes(h[:32], "little") & (1 << 254) - 8 | 1 << 254, h[32:]

    def sign(self, message):
        a, more = self.halves()
        r = int.from_bytes(hashlib.sha512(more + message).digest(), "little") % self.q
        point = self.times(r)
        k = int.from_bytes(hashlib.sha512(point + self.times(a) + message).digest(), "little")
        return point + ((r + k * a) % self.q).to_bytes(32, "little")

    def shown(self, message):
        return {**self.who, "message": message, "signature": base64.b64encode(self.sign(message.encode())).decode()}


def totp(secret, at):
    """The code at a time (RFC 6238): the secret in base32, Unix seconds."""
    mac = hmac.new(base64.b32decode(secret), int(at // 30).to_bytes(8, "big"), hashlib.sha1).digest()
    start = mac[-1] & 15
    return f"{(int.from_bytes(mac[start:start + 4], 'big') & 0x7fffffff) % 1000000:06d}"
