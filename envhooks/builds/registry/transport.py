"""Requests to one registry: logged in, bounded in time and size, and no secret carried to another host."""

from __future__ import annotations

import http.client
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn, Protocol
from urllib.parse import urlencode

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import cause_of
from envhooks.base.hygiene import printable
from envhooks.base.urls import join_url, split_url
from envhooks.builds.registry.credentials import Login, find_login
from envhooks.builds.registry.errors import LoginWanted, RegistryError, RegistryUnavailable
from envhooks.builds.registry.reference import Reference
from envhooks.builds.web import Pieces, is_loopback, json_object, read_within, retry_after, words_of

TIMEOUT = 30.0
"""Seconds that a registry may be silent."""
PAUSES: tuple[float, ...] = (0.5, 2.0)
"""Seconds between attempts of a request that changes nothing when it is repeated."""
PATIENCE = 20.0
"""Seconds of a `Retry-After` that are waited for here; more is the caller's to keep."""
MAX_ANSWER = 4 << 20
"""Bytes of a manifest, a page of tags or a token (distribution-spec: registries take manifests of 4 MiB)."""
MAX_REDIRECTS = 5
_CERTIFICATES = ("/etc/containers/certs.d", "/etc/docker/certs.d")
_CHALLENGE = re.compile(r'([a-z_]+)="([^"]*)"', re.IGNORECASE)

Body = Callable[[], "IO[bytes] | bytes"]
"""Makes the body anew for each attempt."""


class Readable(Protocol):
    """A readable stream of bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; none at the end."""


@dataclass(frozen=True)
class Answer:
    """Answer of a registry: status, headers, body."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    url: str
    """Address that answered, after redirects."""

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty where it is not one."""
        return json_object(self.body)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: object) -> None:
        """None: redirects are followed by `Transport`, which knows what may go along."""


class Transport:
    """The connection to one repository of one registry.

    Args:
        image: tag and digest are of no interest here.
        environ: where files of logins and proxies are found.
        tls_verify: False: a certificate is not verified, and http is taken where there is no https.
        push: whether the token asked for may push as well.
    """

    def __init__(
        self, image: Reference, environ: Mapping[str, str], *, tls_verify: bool = True, push: bool = False
    ) -> None:
        self._image = image
        self._environ = environ
        self._tls_verify = tls_verify
        self._scope = f"repository:{image.path}:{'pull,push' if push else 'pull'}"
        self._authorization = ""
        self._base = ""
        self._opener: urllib.request.OpenerDirector | None = None

    @property
    def name(self) -> str:
        """The registry, as a message names it."""
        return printable(self._image.host, 200)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        accept: tuple[int, ...] = (200,),
        limit: int = MAX_ANSWER,
        once: bool = False,
    ) -> Answer:
        """Send a request and read its whole answer.

        Args:
            method: as HTTP has it.
            path: below `/v2/REPOSITORY/`, or a whole URL that this registry named.
            body: makes the bytes to be sent.
            headers: besides those of every request.
            accept: statuses that are an answer; every other is an error.
            limit: bytes that are read at most.
            once: not to be repeated, as a repetition would do it twice.

        Raises:
            LoginWanted: 401 or 403.
            RegistryUnavailable: no connection, 429 or 5xx.
            RegistryError: any other status, or an answer beyond `limit`.
        """
        for pause in (*(() if once else PAUSES), None):
            try:
                with self.stream(method, path, body=body, headers=headers, accept=accept) as (answer, data):
                    read = b"" if method == "HEAD" else read_within(data, limit + 1)
                    if len(read) > limit:
                        raise RegistryError(f"{self.name} answered with more than {limit} bytes")
                    told = answer.headers.get("content-length", "")
                    if method != "HEAD" and told.isdecimal() and len(read) < int(told[:20]):
                        raise http.client.IncompleteRead(read, int(told[:20]) - len(read))
                    return Answer(answer.status, answer.headers, read, answer.url)
            except RegistryUnavailable as error:
                if pause is None or error.after > PATIENCE:
                    raise
                time.sleep(max(pause, error.after))
            except (OSError, http.client.HTTPException) as error:
                if pause is None:
                    raise self._unreachable(error) from None
                time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        accept: tuple[int, ...] = (200,),
    ) -> Iterator[tuple[Answer, Readable]]:
        """One attempt; the answer's body is read by the caller, who bounds it.

        Raises:
            LoginWanted: 401 or 403.
            RegistryUnavailable: no connection, 429 or 5xx.
            RegistryError: any other status.
        """
        base = self._find_base()
        url = self._allowed(path) if "://" in path else f"{base}/v2/{self._image.path}/{path}"
        for has_login in (False, True):
            try:
                response = self._follow(method, url, body, headers or {})
            except urllib.error.HTTPError as error:
                response = error
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise self._unreachable(error) from None
            with closing(response):
                answer = Answer(
                    int(response.status or 0),
                    {key.lower(): value for key, value in response.headers.items()},
                    b"",
                    str(response.url),
                )
                if answer.status == 401 and not has_login and self._is_own(answer.url):
                    self._log_in(answer.headers.get("www-authenticate", ""))
                    continue
                if answer.status not in accept:
                    self._refuse(method, url, answer, words_of(response, MAX_ANSWER, 10.0))
                yield answer, Pieces(response)
                return

    # ------------------------------------------------------------------------------------- one attempt

    def _follow(self, method: str, url: str, body: Body | None, headers: Mapping[str, str]) -> Any:
        """Open a URL; what only reads goes where the registry sends it, without the login."""
        for _ in range(MAX_REDIRECTS):
            try:
                return self._open(method, url, body, headers)
            except urllib.error.HTTPError as error:
                there = error.headers.get("Location", "")
                if error.code not in (301, 302, 303, 307, 308) or method not in ("GET", "HEAD") or not there:
                    raise
                error.close()
                url = self._allowed(join_url(url, there))
        raise RegistryError(f"{self.name} redirects more than {MAX_REDIRECTS} times")

    def joined(self, base: str, there: str) -> str:
        """The address that an answer of this registry names, as `Location` or `Link` does.

        Raises:
            RegistryError: it is none, or not one to be called.
        """
        return self._allowed(join_url(base, there))

    def _allowed(self, url: str) -> str:
        """An address that was named by an answer: https, or http where the registry itself has no https."""
        scheme = split_url(url).scheme
        if scheme != "https" and not (scheme == "http" and self._base.startswith("http:")):
            raise RegistryError(
                f"{self.name} sends to {printable(_shown(url), 200)}, which is no https address"
            ) from None
        return url

    def _open(self, method: str, url: str, body: Body | None, headers: Mapping[str, str]) -> Any:
        sent = {"User-Agent": "envhooks", **headers}
        if self._authorization and self._is_own(url):
            sent["Authorization"] = self._authorization
        data = body() if body else None
        request = urllib.request.Request(url, data, sent, method=method)  # noqa: S310 - the scheme was looked at
        if self._opener is None:
            self._opener = self._make_opener()
        return self._opener.open(request, timeout=TIMEOUT)

    def _is_own(self, url: str) -> bool:
        """Whether a URL is the registry itself, which may see the login."""
        own, other = split_url(self._base), split_url(url)
        return (own.scheme, own.netloc.lower()) == (other.scheme, other.netloc.lower())

    def _make_opener(self) -> urllib.request.OpenerDirector:
        host = split_url(f"//{self._image.api_host}").hostname or ""
        proxies = {} if is_loopback(host) else urllib.request.getproxies()
        handlers: list[Any] = [_Stay, urllib.request.ProxyHandler(proxies)]
        context = ssl.create_default_context()
        if not self._tls_verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        else:
            self._trust_certificates(context)
        return urllib.request.build_opener(*handlers, urllib.request.HTTPSHandler(context=context))

    def _trust_certificates(self, context: ssl.SSLContext) -> None:
        """Trust what docker and podman trust for this host (containers-certs.d(5))."""
        home = self._environ.get("HOME", "")
        own = (f"{home}/.config/containers/certs.d",) if home else ()
        for folder in (*own, *_CERTIFICATES):
            for file in sorted(Path(folder, self._image.host).glob("*.crt")):
                try:
                    context.load_verify_locations(file)
                except (OSError, ssl.SSLError) as error:
                    raise RegistryError(
                        f"the certificate cannot be read: {error}", place=printable(str(file))
                    ) from None

    def _find_base(self) -> str:
        """`https://HOST`, or `http://HOST`: of the machine itself, or of one that need not be verified."""
        if self._base:
            return self._base
        host = self._image.api_host
        may_be_plain = not self._tls_verify or is_loopback(split_url(f"//{host}").hostname or "")
        fault: Exception | None = None
        for scheme in ("https", "http") if may_be_plain else ("https",):
            self._base = f"{scheme}://{host}"
            try:
                with closing(self._open("GET", f"{self._base}/v2/", None, {})):
                    return self._base
            except urllib.error.HTTPError as error:
                error.close()
                return self._base  # it speaks this protocol; every answer is looked at later
            except (OSError, http.client.HTTPException, ValueError) as error:
                fault = fault or error
                if isinstance(getattr(error, "reason", error), ssl.SSLCertVerificationError):
                    break  # https is there, and that it is the right one is what could not be verified
        self._base = ""
        raise self._unreachable(fault or OSError("no answer"))

    # ------------------------------------------------------------------------------------------ logins

    def _log_in(self, challenge: str) -> None:
        """Answer a challenge (RFC 7235): Basic, or docker's token protocol.

        Raises:
            LoginWanted: there is no login, or it is not taken.
        """
        kind, _, rest = challenge.partition(" ")
        login = find_login(self._image, self._environ)
        if kind.lower() == "basic":
            if login is None or login.is_identity_token:
                self._want_login("wants a login")
            self._authorization = login.basic
            return
        fields = {name.lower(): value for name, value in _CHALLENGE.findall(rest)}
        realm = fields.get("realm", "")
        if kind.lower() != "bearer" or not realm:
            raise RegistryError(
                f"{self.name} asks for a login in a way that is not known: {printable(kind, 40)}"
            )
        own_host = split_url(self._base).hostname if self._base.startswith("http:") else None
        parts = split_url(realm)
        is_plain = parts.scheme == "http" and (
            is_loopback(parts.hostname or "") or parts.hostname == own_host
        )
        if not parts.hostname or (parts.scheme != "https" and not is_plain):
            raise RegistryError(
                f"{self.name} sends logins to {printable(realm, 200)}, which is no https address"
            )
        self._authorization = f"Bearer {self._token(realm, fields.get('service', ''), login)}"

    def _token(self, realm: str, service: str, login: Login | None) -> str:
        query = {"service": service, "scope": self._scope}
        headers: dict[str, str] = {"User-Agent": "envhooks"}
        data = None
        if login is not None and login.is_identity_token:
            query |= {"grant_type": "refresh_token", "refresh_token": login.password, "client_id": "envhooks"}
            data = urlencode(query).encode()
        else:
            realm += ("&" if "?" in realm else "?") + urlencode(query)
            if login is not None:
                headers["Authorization"] = login.basic
        request = urllib.request.Request(realm, data, headers)  # noqa: S310 - the scheme was looked at
        opener = self._opener or self._make_opener()
        try:
            with closing(opener.open(request, timeout=TIMEOUT)) as response:
                answer = Answer(200, {}, read_within(response, MAX_ANSWER), realm).json()
        except urllib.error.HTTPError as error:
            with error:
                if error.code in (400, 401, 403):
                    self._want_login("does not take the login" if login else "wants a login", login)
                raise RegistryUnavailable(f"the token service of {self.name} answered {error.code}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._unreachable(error) from None
        token = answer.get("token") or answer.get("access_token")
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]{1,65536}", token):
            raise RegistryError(f"the token service of {self.name} answered without a token")
        return token

    def _want_login(self, why: str, login: Login | None = None) -> NoReturn:
        source = f" from {printable(login.source, 200)}" if login else ""
        host = "" if self._image.host == "docker.io" else f" {self.name}"
        raise LoginWanted(
            f"{self.name} {why}{source} for {printable(self._image.path)}", fix=f"docker login{host}"
        )

    # ------------------------------------------------------------------------------------------ faults

    def _unreachable(self, error: Exception) -> RegistryUnavailable:
        return RegistryUnavailable(
            f"no connection to the registry {self.name}: {printable(cause_of(error), 200)}"
        )

    def _refuse(self, method: str, url: str, answer: Answer, body: bytes) -> NoReturn:
        words = _words(Answer(answer.status, {}, body, ""))
        name = printable(f"{method} {_shown(url)}", 300)
        said = f"{name}: {answer.status}{f', {words}' if words else ''}"
        if answer.status in (401, 403):
            host = "" if self._image.host == "docker.io" else f" {self.name}"
            raise LoginWanted(f"{self.name} refuses: {said}", fix=f"docker login{host}")
        if answer.status == 429 or answer.status >= 500:
            raise RegistryUnavailable(said, after=retry_after(answer.headers))
        raise RegistryError(said)


def _shown(url: str) -> str:
    """A URL without its query, which may be a signature that lets in."""
    return url.partition("?")[0]


def _words(answer: Answer) -> str:
    """The registry's own words: distribution-spec's `errors`, else nothing."""
    errors = answer.json().get("errors")
    found = errors[0] if isinstance(errors, list) and errors else {}
    if not isinstance(found, dict):
        return ""
    texts = [str(found[key]) for key in ("code", "message") if found.get(key)]
    return printable(": ".join(texts), 300)
