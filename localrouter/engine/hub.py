"""Asking Hugging Face, a mirror of it (HF_ENDPOINT) or any https host for a model file: where it lies, how long it is, what its hash is.

Runs in the CLI's process, never in the daemon. Nothing is sent but what the question needs: no telemetry, and a token (HF_TOKEN) only to the
hub's own origin, and only after it has refused to answer without one.
https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from localrouter import __version__
from localrouter.engine.gguf_parts import number
from localrouter.engine.pins import ModelFault
from localrouter.engine.sources import Source, hub_file
from localrouter.engine.transfer import TransferFault

HUB = "https://huggingface.co"
USUAL = ["Q4_K_M", "MXFP4", "Q4_K_S", "Q4_0", "Q5_K_M", "Q8_0"]
"""Types in the order in which one is taken when none is named: the one that most conversions recommend, and its neighbours."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
WAIT_MOST = 30.0
"""Seconds that are waited when a hub says 429; more is said to the user instead."""
_SETTINGS = {
    "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_EXPERIMENTAL_WARNING": "1", "HF_DEBUG": "0",
}  # fmt: skip
"""Read by huggingface_hub when it is imported; HF_DEBUG would log requests with their headers."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What a pull tells while it works: `total` bytes once they are known, `bytes` as they come (those that were there first), a new `stage`
    (`hash`, whose bytes are told too), and a `note` in words."""

    total: Callable[[int], None] = lambda _: None
    bytes: Callable[[int], None] = lambda _: None
    stage: Callable[[str], None] = lambda _: None
    note: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Remote:
    """What a host says of a file before it is fetched. `auth`: whether it asked for the token."""

    url: str
    size: int
    etag: str
    sha256: str
    auth: bool


def prepare() -> None:
    """Before huggingface_hub is imported: no telemetry, no token that was not asked for."""
    os.environ.update(_SETTINGS)
    from huggingface_hub.utils import logging as hub_logging

    hub_logging.set_verbosity(logging.ERROR)  # its warnings quote URLs, which may be signed


class Hub:
    """`endpoint`: HF_ENDPOINT or Hugging Face itself. `send_token`: also to a mirror. Raises ModelFault."""

    def __init__(self, environ: Mapping[str, str] | None = None, *, send_token: bool = False) -> None:
        environ = os.environ if environ is None else environ
        self.endpoint = (environ.get("HF_ENDPOINT") or HUB).rstrip("/")
        parts = urlsplit(self.endpoint)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ModelFault("HF_ENDPOINT must be an https address.", "Correct it, or unset it to use Hugging Face itself.")
        self.host = parts.netloc
        self._token = (environ.get("HF_TOKEN") or environ.get("HUGGING_FACE_HUB_TOKEN") or "").strip()
        self._may = send_token or self.endpoint == HUB
        prepare()
        self._hooks()

    def _hooks(self) -> None:
        """On the client that all requests of huggingface_hub go through."""
        from huggingface_hub.utils._http import get_session

        client: Any = get_session()
        hooks = {k: [h for h in v if getattr(h, "__module__", "") != __name__] for k, v in client.event_hooks.items()}
        hooks["request"] = [*hooks.get("request", []), self._guard]
        hooks["response"] = [*hooks.get("response", []), _ranged]
        client.event_hooks = hooks

    def _guard(self, request: Any) -> None:
        """The last word on where the token goes: the hub's origin and nowhere else, whatever redirects say."""
        url = urlsplit(str(request.url))
        if "authorization" in request.headers and (f"{url.scheme}://{url.netloc}" != origin(self.endpoint) or not self._may):
            del request.headers["authorization"]
        for name in ("x-amzn-trace-id", "x-hf-download-counter"):
            request.headers.pop(name, None)

    def remote(self, source: Source, watch: Watch) -> Remote:
        """Ask for the file's size and hash; with the token only when it is refused without. Raises ModelFault."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        url = source.url or hf_hub_url(source.repo, source.file, revision=source.revision, endpoint=self.endpoint)
        auth, waited, hops = False, False, 5
        while True:
            try:
                found = get_hf_file_metadata(
                    url,
                    token=self._token if auth else False,
                    endpoint=self.endpoint,
                    library_name="localrouter",
                    library_version=__version__,
                )
                _secure(found.location)
                if source.kind == "url" and not found.size and found.location != url and hops:
                    url, hops = found.location, hops - 1  # to another host, which knows the length
                    continue
                break
            except ModelFault:
                raise
            except Exception as exc:
                status = getattr(getattr(exc, "response", None), "status_code", 0)
                if status in (401, 403) and not auth and self._token and self._may and source.kind == "hub":
                    auth = True
                    continue
                wait = _wait(exc) if status == 429 else 0.0
                if 0 < wait <= WAIT_MOST and not waited:
                    watch.note(f"{urlsplit(url).netloc} asks to wait {wait:.0f} seconds.")
                    time.sleep(wait)
                    waited = True
                    continue
                raise self._fault(exc, source, wait) from None
        if source.kind == "hub" and found.commit_hash is None:
            raise ModelFault(f"{self.host} does not answer as a Hugging Face hub.", "Check HF_ENDPOINT, or unset it.")
        if not found.size:
            raise ModelFault(
                f"{urlsplit(url).netloc} does not say how long the file is.", "Download it yourself, and use it by its path."
            )
        etag = found.etag or ""
        stated = etag if source.kind == "hub" and len(etag) == 64 and all(c in "0123456789abcdef" for c in etag) else ""
        return Remote(str(found.location), int(found.size), etag, stated, auth)

    def chosen(self, source: Source) -> Source:
        """A source whose file is known: of a repository, its file of the type that was asked for, or of the usual one. Raises ModelFault."""
        if source.kind != "hub" or source.file:
            return source
        from huggingface_hub import HfApi

        api = HfApi(endpoint=self.endpoint, library_name="localrouter", library_version=__version__)
        listed = []
        for token in (False, self._token):
            try:
                listed = api.model_info(source.repo, token=token, timeout=10).siblings or []
                break
            except Exception as exc:
                status = getattr(getattr(exc, "response", None), "status_code", 0)
                if token or status not in (401, 403) or not self._token or not self._may:
                    raise self._fault(exc, source, 0.0) from None
        names = sorted((s.rfilename for s in listed if s.rfilename.lower().endswith(".gguf")), key=lambda n: (len(n), n))
        # Whole files first; of those in parts the first stands for all.
        firsts = [n for n in names if "mmproj" not in n.lower() and (number(n) or (1, 1))[0] == 1]
        whole = sorted(firsts, key=lambda n: number(n) is not None)
        wanted = [source.quant] if source.quant else USUAL
        for quant in wanted:
            for name in whole:
                if re.search(rf"(?<![A-Za-z0-9]){re.escape(quant)}(?![A-Za-z0-9_])", name, re.IGNORECASE):
                    return replace(hub_file(source.repo, name), sha256=source.sha256, stated=source.stated)
        if len(whole) == 1 and not source.quant:
            return replace(hub_file(source.repo, whole[0]), sha256=source.sha256, stated=source.stated)
        known = ", ".join(whole[:8]) + (" ..." if len(whole) > 8 else "")
        lacks = (
            f"no {source.quant} file"
            if source.quant
            else "no GGUF file that is whole"
            if not whole
            else "several files and none of the usual types"
        )
        raise ModelFault(
            f"The repository {source.repo} has {lacks}.",
            f"Name one: {source.repo}/FILE, of {known}." if known else "Look for another conversion.",
        )

    def headers(self, remote: Remote) -> dict[str, str]:
        from huggingface_hub.utils._headers import build_hf_headers

        own = remote.auth and origin(remote.url) == origin(self.endpoint)
        return {
            **build_hf_headers(token=self._token if own else False, library_name="localrouter", library_version=__version__),
            "accept-encoding": "identity",
        }

    def _fault(self, exc: Exception, source: Source, wait: float) -> ModelFault:
        names = {c.__name__ for c in type(exc).__mro__}
        status = getattr(getattr(exc, "response", None), "status_code", 0)
        host = urlsplit(source.url).netloc if source.url else self.host
        what = f"{source.repo}/{source.file}".rstrip("/") if source.repo else "The file"
        if "OfflineModeIsEnabled" in names:
            return ModelFault("HF_HUB_OFFLINE is set, so nothing was downloaded.", "Unset it to pull models.")
        if "GatedRepoError" in names:
            return ModelFault(
                f"The model {source.repo} is gated: its owner lets in those who accept its terms.",
                f"Accept them on {HUB}/{source.repo} while logged in, then set HF_TOKEN to a token of yours that may read"
                + ("." if self._may else f"; it is sent to the mirror {self.host} only with --send-token."),
            )
        if "RevisionNotFoundError" in names:
            return ModelFault(f"The repository {source.repo} has no revision {source.revision}.", "Name another, or none.")
        if "EntryNotFoundError" in names or "RemoteEntryNotFoundError" in names or (status == 404 and source.url):
            return ModelFault(f"{what} does not exist on {host}.", "Check the file's name on the repository's page.")
        if "RepositoryNotFoundError" in names or status in (401, 403, 404):
            return ModelFault(
                f"{what} does not exist on {host}, or is private.", "Check the name; for a private one set HF_TOKEN."
            )
        if status == 429:
            later = f" It asks to wait {wait:.0f} seconds." if wait else ""
            return ModelFault(
                f"{host} refuses more requests for now.{later}", "Run the same command again later; a token raises the limit."
            )
        if status:
            return ModelFault(f"{host} answered with status {status}.", "Run the same command again later.")
        if "TimeoutException" in names:
            return ModelFault(f"{host} did not answer in time, so nothing was downloaded.", "Run the same command again later.")
        return ModelFault(
            f"{host} cannot be reached, so nothing was downloaded.",
            "Check your connection, or set HF_ENDPOINT to a mirror that you can reach.",
        )


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _secure(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ModelFault(f"{parts.hostname} would send the file unprotected.", "Use another source.")


def _wait(exc: Exception) -> float:
    headers = getattr(getattr(exc, "response", None), "headers", {})
    said = headers.get("retry-after", "")
    return float(said) if said.isdigit() else 0.0


def _ranged(response: Any) -> None:
    """A host that answers a piece's request with the whole file must not fill the piece with the file's beginning."""
    asked = response.request.headers.get("range", "")
    if response.status_code == 200 and asked.startswith("bytes="):
        first, _, last = asked.removeprefix("bytes=").partition("-")
        if first != "0" or response.headers.get("content-length") != str(int(last or -2) + 1):
            raise TransferFault("ranges")
