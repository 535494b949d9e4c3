"""The client of registries: against Debian's real one, and against answers that a real one never gives."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from builder_parts import Reply, htpasswd, login_file, need, registry, service
from support import first_on_path

from envhooks.base.errors import CannotJudge
from envhooks.builds import web
from envhooks.builds.imagefiles.layers import Layer, read_layers
from envhooks.builds.imagefiles.limits import Limits, Unreadable
from envhooks.builds.registry import (
    Descriptor,
    LoginWanted,
    Registry,
    RegistryError,
    RegistryUnavailable,
    parse,
    transport,
)
from envhooks.builds.registry.client import OCI_INDEX, OCI_MANIFEST, digest_of, fallback_tag
from envhooks.builds.registry.credentials import find_login

ABSENT = "sha256:" + "0" * 64


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "PAUSES", (0.0,))


@pytest.fixture
def environ(environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """A home of the test's own: it keeps logins in it."""
    (tmp_path / "home").mkdir()
    return {**environ, "HOME": str(tmp_path / "home"), "XDG_RUNTIME_DIR": str(tmp_path / "run")}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need("docker-registry")
    with registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


def put_image(there: Registry, tag: str, labels: dict[str, str]) -> str:
    """A small image with these labels; answers its digest."""
    config = json.dumps(
        {"os": "linux", "config": {"Labels": labels}, "rootfs": {"type": "layers", "diff_ids": []}}
    )
    blob = there.put_blob(config.encode())
    made = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": blob.digest,
            "size": blob.size,
        },
        "layers": [],
    }
    return there.put_manifest(tag, json.dumps(made).encode(), OCI_MANIFEST)


# ------------------------------------------------------------------------------------- references


@pytest.mark.parametrize(
    ("text", "host", "path", "tag"),
    [
        ("registry.example.com/team/x:2.8", "registry.example.com", "team/x", "2.8"),
        ("127.0.0.1:5000/x", "127.0.0.1:5000", "x", ""),
        ("localhost/x:1", "localhost", "x", "1"),
        ("team/x:1", "docker.io", "team/x", "1"),
        ("ubuntu", "docker.io", "library/ubuntu", ""),
        ("index.docker.io/team/x", "docker.io", "team/x", ""),
        ("[::1]:5000/x:2", "[::1]:5000", "x", "2"),
    ],
)
def test_references(text: str, host: str, path: str, tag: str) -> None:
    found = parse(text)
    assert (found.host, found.path, found.tag, found.digest) == (host, path, tag, "")
    assert parse(f"{text}@{ABSENT}").digest == ABSENT
    assert parse(str(found)) == found


@pytest.mark.parametrize(
    "text", ["", "x:", "x@", "team/X", "a/b/", "x:a b", "x@sha256:12", "h.example/../x", "h.x/a//b"]
)
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(CannotJudge, match="no reference"):
        parse(text)


# ------------------------------------------------------------------------------- a real registry


def test_an_image_is_put_found_and_named_again(address: str, environ: dict[str, str]) -> None:
    there = Registry(f"{address}/team/one", environ, push=True)
    assert there.head("2.8") is None and there.manifest("2.8") is None and there.tags() == ()
    digest = put_image(there, "2.8", {"a": "b"})
    manifest = there.manifest("2.8")
    assert manifest is not None and manifest.digest == digest == there.head("2.8") and manifest.config
    assert json.loads(there.blob(manifest.config.digest))["config"]["Labels"] == {"a": "b"}
    assert there.put_manifest("latest", manifest.body, manifest.media_type) == digest
    assert there.head("latest") == digest
    assert sorted(there.tags()) == ["2.8", "latest"]
    assert there.has_blob(manifest.config.digest) and not there.has_blob(ABSENT)


def test_a_blob_of_any_size_is_sent_and_read_as_a_stream(
    address: str, environ: dict[str, str], tmp_path: Path
) -> None:
    there = Registry(f"{address}/team/blob", environ, push=True)
    file = tmp_path / "layer"
    file.write_bytes(b"layer" * 1_000_000)
    digest = digest_of(file.read_bytes())
    assert there.put_blob(file, digest) == there.put_blob(file, digest) == Descriptor("", digest, 5_000_000)
    with there.open_blob(digest) as stream:
        count = 0
        while data := stream.read(1 << 16):
            count += len(data)
    assert count == 5_000_000
    with pytest.raises(RegistryError, match="more than 1000 bytes"):
        there.blob(digest, limit=1000)
    with pytest.raises(RegistryError, match="404"):
        there.blob(ABSENT)


def test_referrers_without_an_api_for_them(address: str, environ: dict[str, str]) -> None:
    there = Registry(f"{address}/team/referred", environ, push=True)
    put_image(there, "1", {})
    subject = there.manifest("1")
    assert subject is not None and there.referrers(subject.digest) == ()
    kind = "application/vnd.dsse.envelope.v1+json"
    made = []
    for text in (b"one", b"two", b"two"):
        blob = there.put_blob(text)
        layer = Descriptor(kind, blob.digest, blob.size)
        made.append(there.attach(subject.descriptor, kind, [layer], {"which": text.decode()}))
    found = there.referrers(subject.digest, kind)
    assert [one.digest for one in found] == [made[0].digest, made[1].digest] and made[1] == made[2]
    assert [one.annotations["which"] for one in found] == ["one", "two"]
    assert there.referrers(subject.digest, "application/other") == ()
    index = there.manifest(fallback_tag(subject.digest))
    assert index is not None and index.media_type == OCI_INDEX
    attached = there.manifest(found[0].digest)
    assert attached is not None and attached.json["subject"]["digest"] == subject.digest
    assert there.blob(attached.parts("layers")[0].digest) == b"one"


def test_a_login_by_name_and_password(tmp_path: Path, environ: dict[str, str]) -> None:
    need("docker-registry")
    with registry(tmp_path / "r", htpasswd(tmp_path / "r")) as address:
        with pytest.raises(LoginWanted) as said:
            Registry(f"{address}/team/x", environ).head("1")
        assert str(said.value) == f"{address} wants a login for team/x\n  fix: docker login {address}"
        docker = tmp_path / "docker"
        docker.mkdir()
        here = {**environ, "DOCKER_CONFIG": str(docker)}
        (docker / "config.json").write_text(login_file(address))
        there = Registry(f"{address}/team/x", here, push=True)
        assert there.head("1") is None
        put_image(there, "1", {})
        assert there.tags() == ("1",)
        (docker / "config.json").write_text(login_file(address, password="wrong"))
        with pytest.raises(LoginWanted, match=r"refuses: GET .*401"):
            Registry(f"{address}/team/x", here).tags()


def test_a_certificate_of_its_own(tmp_path: Path, environ: dict[str, str]) -> None:
    need("docker-registry", "openssl")
    made = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    key, crt = tmp_path / "key.pem", tmp_path / "ca.crt"
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *made]
    subprocess.run([*openssl, "-keyout", str(key), "-out", str(crt)], check=True, capture_output=True)
    with registry(tmp_path / "r", http=f", tls: {{certificate: '{crt}', key: '{key}'}}") as address:
        with pytest.raises(RegistryUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            Registry(f"{address}/x", environ).head("1")
        assert Registry(f"{address}/x", environ, tls_verify=False).head("1") is None
        trusted = Path(environ["HOME"], ".config/containers/certs.d", address)
        trusted.mkdir(parents=True)
        (trusted / "ca.crt").write_bytes(crt.read_bytes())
        assert Registry(f"{address}/x", environ).head("1") is None
        (trusted / "bad.crt").write_text("none")
        with pytest.raises(RegistryError, match=r"bad\.crt: the certificate cannot be read"):
            Registry(f"{address}/x", environ).head("1")
    assert ssl.HAS_TLSv1_2


def test_nobody_there(environ: dict[str, str]) -> None:
    with pytest.raises(RegistryUnavailable, match=r"no connection to the registry 127\.0\.0\.1:9"):
        Registry("127.0.0.1:9/x", environ).head("1")


# -------------------------------------------------------------------- what a real one never answers

OK: Reply = (200, {}, b"{}")


def there(url: str, environ: dict[str, str]) -> Registry:
    return Registry(f"{url.removeprefix('http://')}/team/x", environ)


def test_a_token_is_fetched_with_the_login_and_for_this_repository(
    environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "auth.json").write_text("{}")
    with service(OK) as server:
        host = server.url.removeprefix("http://")
        (tmp_path / "auth.json").write_text(login_file(f"{host}/team"))
        challenge = f'Bearer realm="{server.url}/token?a=b",service="s",scope="repository:other:*"'
        server.answers = [
            OK, (401, {"WWW-Authenticate": challenge}, b""), (200, {}, b'{"token": "t0k"}'),
            (200, {"Docker-Content-Digest": ABSENT}, b""), OK,
        ]  # fmt: skip
        assert (
            there(server.url, {**environ, "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")}).head("1")
            == ABSENT
        )
    assert [got.path for got in server.got] == [
        "/v2/",
        "/v2/team/x/manifests/1",
        "/token?a=b&service=s&scope=repository%3Ateam%2Fx%3Apull",
        "/v2/team/x/manifests/1",
    ]
    assert server.got[2].headers["authorization"] == "Basic " + base64.b64encode(b"alice:secret").decode()
    assert [got.headers.get("authorization") for got in server.got[:2]] == [None, None]
    assert server.got[3].headers["authorization"] == "Bearer t0k"


def test_an_identity_token_is_posted(environ: dict[str, str], tmp_path: Path) -> None:
    with service(OK) as server:
        host = server.url.removeprefix("http://")
        (tmp_path / "auth.json").write_text(
            json.dumps({"auths": {host: {"auth": "", "identitytoken": "id"}}})
        )
        bearer = {"WWW-Authenticate": f'Bearer realm="{server.url}/token",service="s"'}
        server.answers = [OK, (401, bearer, b""), (200, {}, b'{"access_token": "t"}'), (404, {}, b"")]
        assert (
            there(server.url, {**environ, "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")}).head("1")
            is None
        )
    assert b"refresh_token=id" in server.got[2].body and server.got[2].method == "POST"


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ((401, {}, b""), RegistryError, "asks for a login in a way that is not known"),
        (
            (401, {"WWW-Authenticate": 'Bearer realm="http://evil.example/t"'}, b""),
            RegistryError,
            "no https address",
        ),
        (
            (403, {}, b'{"errors": [{"code": "DENIED", "message": "no \\u001b[2J"}]}'),
            LoginWanted,
            r"403, DENIED: no \\x1b",
        ),
        ((429, {"Retry-After": "77"}, b""), RegistryUnavailable, "429"),
        ((503, {}, b""), RegistryUnavailable, "503"),
        ((405, {}, b"[" * 100_000), RegistryError, "405"),
        ((200, {}, b"x" * (transport.MAX_ANSWER + 1)), RegistryError, "more than 4194304 bytes"),
        ((200, {"Docker-Content-Digest": ABSENT}, b"{}"), RegistryError, "bytes of another digest"),
        ((302, {"Location": "ftp://x.example/"}, b""), RegistryError, "no https address"),
        ((302, {"Location": "https://[::1/x"}, b""), RegistryError, "Invalid IPv6 URL|no https address"),
        (
            (401, {"WWW-Authenticate": 'Bearer realm="https://[::1/t"'}, b""),
            RegistryError,
            "no https address",
        ),
        ((302, {"Location": "/v2/again"}, b""), RegistryError, "more than 5 times"),
        ((401, {"WWW-Authenticate": 'Bearer realm="https://["'}, b""), RegistryError, "no https address"),
        ((401, {"WWW-Authenticate": 'Bearer realm="https:///t"'}, b""), RegistryError, "no https address"),
        ((302, {"Location": "http://["}, b""), RegistryUnavailable, "no connection"),
        ((200, {"Content-Length": "900"}, b"{}"), RegistryUnavailable, "no connection"),
    ],
)
def test_an_answer_that_is_none(answer: Reply, kind: type, said: str, environ: dict[str, str]) -> None:
    with service(OK, answer) as server, pytest.raises(kind, match=said) as error:
        there(server.url, environ).manifest("1")
    assert "\x1b" not in str(error.value)
    if isinstance(error.value, RegistryUnavailable):
        assert error.value.after == (77 if answer[0] == 429 else 0)


def test_a_redirect_does_not_get_the_login(environ: dict[str, str], tmp_path: Path) -> None:
    data = b"a layer"
    with service(OK) as server, service((200, {}, data)) as store:
        (tmp_path / "auth.json").write_text(login_file(server.url.removeprefix("http://")))
        server.answers = [
            OK, (401, {"WWW-Authenticate": "Basic realm=x"}, b""), (307, {"Location": f"{store.url}/blob?sig=1"}, b""),
        ]  # fmt: skip
        found = there(server.url, {**environ, "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")})
        assert found.blob(digest_of(data)) == data
    assert "authorization" in server.got[2].headers and "authorization" not in store.got[0].headers


def test_a_short_answer_is_tried_again_and_a_wrong_layer_found(environ: dict[str, str]) -> None:
    with service(OK, (0, {}, b""), (404, {}, b"")) as server:
        assert there(server.url, environ).head("1") is None
    with service(OK, (200, {}, b"other")) as server, there(server.url, environ).open_blob(ABSENT) as stream:
        assert stream.read(100) == b"other"
        with pytest.raises(RegistryError, match="other bytes"):
            stream.read(100)


def test_pages_of_tags(environ: dict[str, str]) -> None:
    pages: list[Reply] = [
        (200, {"Link": '</v2/team/x/tags/list?last=a>; rel="next"'}, b'{"tags": ["a"]}'),
        (200, {}, b'{"tags": ["b", 3, null]}'),
    ]
    with service(OK, *pages) as server:
        assert there(server.url, environ).tags() == ("a", "b")
    with service(OK, pages[0]) as server, pytest.raises(RegistryError, match="more than 200 pages"):
        there(server.url, environ).tags()


# --------------------------------------------------------------------------------------- logins


def test_files_of_logins_in_their_order(environ: dict[str, str], tmp_path: Path) -> None:
    image = parse("registry.example.com/team/x:1")
    assert find_login(image, environ) is None
    docker = Path(environ["HOME"], ".docker")
    docker.mkdir()
    (docker / "config.json").write_text(login_file("https://registry.example.com/v2/", "old"))
    found = find_login(image, environ)
    assert found is not None and (found.user, found.password) == ("old", "secret")
    assert "secret" not in repr(found)
    config = Path(environ["HOME"], ".config/containers")
    config.mkdir(parents=True)
    (config / "auth.json").write_text(login_file("registry.example.com/other", "no"))
    assert find_login(image, environ) == found
    (config / "auth.json").write_text(login_file("registry.example.com", "podman"))
    nearest = find_login(image, environ)
    assert nearest is not None and nearest.user == "podman"
    assert find_login(parse("registry.example.com.evil.example/x"), environ) is None


HELPER = """#!/bin/sh
read server
echo "$1 $server" >> "$0.asked"
case $server in
    registry.example.com) echo '{"Username": "bob", "Secret": "kept"}' ;;
    *) echo "credentials not found in native keychain"; exit 1 ;;
esac
"""


def test_a_helper_is_asked(environ: dict[str, str], tmp_path: Path) -> None:
    docker = Path(environ["HOME"], ".docker")
    docker.mkdir()
    here = first_on_path(environ, tmp_path, {"docker-credential-kept": HELPER})
    for config in ({"credHelpers": {"registry.example.com": "kept"}}, {"credsStore": "kept", "auths": {}}):
        (docker / "config.json").write_text(json.dumps(config))
        found = find_login(parse("registry.example.com/x"), here)
        assert found is not None and (found.user, found.password) == ("bob", "kept")
    assert find_login(parse("ubuntu"), here) is None
    asked = (tmp_path / "docker-credential-kept.asked").read_text().split("\n")
    assert asked[0] == "get registry.example.com" and asked[-2] == "get https://index.docker.io/v1/"
    with pytest.raises(CannotJudge, match=r"docker-credential-kept.*not on PATH"):
        find_login(parse("registry.example.com/x"), {**environ, "PATH": "."})


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        "[" * 100_000,
        '{"auths": {"registry.example.com": {"auth": "???"}}}',
        '{"credsStore": "../x"}',
    ],
)
def test_a_file_of_logins_that_is_none(text: str, environ: dict[str, str]) -> None:
    docker = Path(environ["HOME"], ".docker")
    docker.mkdir()
    (docker / "config.json").write_text(text)
    with pytest.raises(CannotJudge):
        find_login(parse("registry.example.com/x"), environ)


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://x.example/", "http://[", "data:,x"])
def test_an_address_that_a_registry_names_is_looked_at_before_it_is_called(
    environ: dict[str, str], address: str
) -> None:
    """The next page of a list, and where a layer goes: neither opens a file of this machine."""
    said = r"no https address|an address that is none"
    page: Reply = (200, {"Link": f'<{address}>; rel="next"'}, b'{"tags": ["a"]}')
    with service(OK, page) as server, pytest.raises(RegistryError, match=said):
        there(server.url, environ).tags()
    with service(OK, (404, {}, b""), (202, {"Location": address}, b"")) as server:
        with pytest.raises(RegistryError, match=said):
            there(server.url, environ).put_blob(b"secret")
        assert [request.method for request in server.got] == ["GET", "HEAD", "POST"]


class _Drip:
    """A body that never ends, a byte at a time."""

    def __init__(self) -> None:
        self.given = 0

    def read1(self, size: int) -> bytes:
        self.given += 1
        return b" "


def test_a_body_that_drips_ends_with_its_time() -> None:
    body = _Drip()
    with pytest.raises(TimeoutError, match="longer than 0 s"):
        web.read_within(body, 1 << 20, 0)
    assert body.given < 1000
    assert web.read_within(body, 10, 60) == b" " * 10


def test_a_layer_that_drips_ends_with_the_time_of_the_image(environ: dict[str, str]) -> None:
    """Each byte comes well within the patience of a connection, and unpacks to nothing."""
    wanted = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2" if self.path == "/v2/" else str(1 << 30))
            self.end_headers()
            self.wfile.write(b"{}" if self.path == "/v2/" else b"\x1f\x8b\x08\x08" + b"name" * 200)
            with contextlib.suppress(OSError):
                while self.path != "/v2/" and not wanted.wait(0.01):
                    self.wfile.write(b"x")

        def log_message(self, format: str, *arguments: object) -> None:
            """Not into the tests' output."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        found = there(f"http://127.0.0.1:{server.server_address[1]}", environ)
        layer = Layer(lambda: found.open_blob(ABSENT), ABSENT, "")
        with pytest.raises(Unreadable, match="not read within"):
            read_layers([layer], lambda path: None, Limits(0.5))
    finally:
        wanted.set()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"auths": {"registry.example.com": {}}}', None),
        ('{"auths": {"registry.example.com": {"auth": ""}}}', None),
        ('{"auths": {"registry.example.com": null}}', None),
        ('{"auths": {"registry.example.com": {"identitytoken": "t"}}}', "t"),
        ('{"auths": {"registry.example.com": {}, "https://registry.example.com/v1/": {"identitytoken": "o"}}}', "o"),
        ('{"auths": []}', None),
        ("{}", None),
    ],
)  # fmt: skip
def test_an_entry_without_a_secret_is_no_login(text: str, found: str | None, environ: dict[str, str]) -> None:
    docker = Path(environ["HOME"], ".docker")
    docker.mkdir()
    (docker / "config.json").write_text(text)
    login = find_login(parse("registry.example.com/x"), environ)
    assert (login and login.password) == found


def test_a_file_of_logins_that_nobody_may_read(environ: dict[str, str]) -> None:
    Path(environ["HOME"], ".docker", "config.json").mkdir(parents=True)
    with pytest.raises(CannotJudge, match="the file of registry logins cannot be read: Is a directory"):
        find_login(parse("registry.example.com/x"), environ)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("#!/bin/sh\nexit 3\n", "failed: no reason given"),
        ("#!/bin/sh\necho; echo locked >&2; exit 1\n", "failed: locked"),
        ("#!/bin/sh\necho '[]'\n", "did not answer with a login"),
        ('#!/bin/sh\necho \'{"Username": "bob"}\'\n', "did not answer with a login"),
        ("#!/nowhere/sh\n", "did not answer: FileNotFoundError"),
    ],
)
def test_a_helper_that_does_not_help(
    program: str, said: str, environ: dict[str, str], tmp_path: Path
) -> None:
    docker = Path(environ["HOME"], ".docker")
    docker.mkdir()
    (docker / "config.json").write_text('{"credsStore": "kept"}')
    here = first_on_path(environ, tmp_path, {"docker-credential-kept": program})
    with pytest.raises(CannotJudge, match=said):
        find_login(parse("registry.example.com/x"), here)


DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {},
        {"digest": 1, "size": 1},
        {"digest": "sha256:0", "size": 1},
        {"digest": DIGEST},
        {"digest": DIGEST, "size": "1"},
        {"digest": DIGEST, "size": True},
        {"digest": DIGEST, "size": -1},
    ],
)
def test_what_is_no_descriptor(raw: object) -> None:
    with pytest.raises(CannotJudge, match=r"a descriptor without a (?:digest|size)"):
        Descriptor.read(raw)


def test_what_is_asked_of_a_registry_is_a_tag_or_a_digest(environ: dict[str, str]) -> None:
    registry = Registry("registry.example.com/x:1", environ)
    for reference in ("a/../b", "", "x y", "sha256:0"):
        with pytest.raises(CannotJudge, match="is no tag and no digest of an image"):
            registry.manifest(reference)
    with pytest.raises(CannotJudge, match="is no digest"):
        registry.blob("latest")
