"""A department's sign-in: Streamlit's own, at a provider of OpenID Connect played on loopback."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.http_server import Quiet, serving
from tests.visitor import Visitor, served

CLIENT, NAME = "lightbox", "anna@example.org"


@contextmanager
def provider() -> Iterator[str]:
    """The address of a provider that lets everybody in as one person."""
    key = RSAKey.generate_key(2048, {"kid": "1"})
    nonces: list[str] = []

    class Provider(Quiet):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            if url.path == "/.well-known/openid-configuration":
                names = ("authorize", "token", "keys")
                found = {name: f"{address}/{name}" for name in names}
                self.say(
                    {
                        "issuer": address,
                        "authorization_endpoint": found["authorize"],
                        "token_endpoint": found["token"],
                        "jwks_uri": found["keys"],
                        "id_token_signing_alg_values_supported": ["RS256"],
                    }
                )
            elif url.path == "/keys":
                self.say({"keys": [key.as_dict(private=False)]})
            else:
                nonces.append(asked["nonce"])
                back = urlencode({"code": "once", "state": asked["state"]})
                self.send_response(302)
                self.send_header("Location", f"{asked['redirect_uri']}?{back}")
                self.end_headers()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            now = int(time.time())
            claims = {"iss": address, "aud": CLIENT, "sub": "1", "email": NAME, "iat": now}
            claims |= {"exp": now + 60, "nonce": nonces[-1]}
            token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, key)
            self.say({"access_token": "a", "token_type": "Bearer", "id_token": token})

        def say(self, document: dict[str, Any]) -> None:
            content = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with serving(Provider) as address:
        yield address


def test_nothing_is_shown_before_a_person_has_signed_in(tmp_path: Path) -> None:
    pytest.importorskip("authlib")
    with provider() as address:
        secrets = tmp_path / "secrets.toml"
        secrets.write_text(
            "[auth]\n"
            'redirect_uri = "http://127.0.0.1:{port}/oauth2callback"\n'
            f'cookie_secret = "{"s" * 40}"\nclient_id = "{CLIENT}"\nclient_secret = "c"\n'
            f'server_metadata_url = "{address}/.well-known/openid-configuration"\n'
        )
        with served(f"--secrets.files={secrets}", NO_PROXY="127.0.0.1") as server:
            stranger = Visitor(server.port, "fracture")
            assert [one.label for one in stranger.button] == ["Sign in"]
            assert not stranger.metric and "Fracture detection" not in stranger.everything
            stranger.go("practice")
            assert [one.label for one in stranger.button] == ["Sign in"]

            stranger.button[0].click().run()
            browser: requests.Session = stranger.browser
            browser.get(f"{stranger.address}{stranger.redirect}", timeout=30)
            person = Visitor(server.port, "practice", browser=browser)
            assert any("Practice" in one.value for one in person.title)
            person.button[-1].click().run()
            assert person.redirect.startswith("/auth/logout")
            browser.get(f"{person.address}{person.redirect}", timeout=30)
            gone = Visitor(server.port, "practice", browser=browser)
            assert [one.label for one in gone.button] == ["Sign in"]
            for visitor in (stranger, person, gone):
                visitor.close()
            assert NAME not in server.log.read_text()
