"""A hostile page in a real browser: 24 shapes of request at every route, with and without the token, from foreign and loopback origins.
None passes the door, and no reply can be read. Long; needs Debian's chromium."""

from __future__ import annotations

import http.server
import json
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any, ClassVar

import pytest
from conftest import MakeDaemon, call

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

PAGE = r"""<!doctype html><meta charset=utf-8><body><script>
const URLS = __URLS__, BODY = JSON.stringify({messages: [{role: "user", content: "spend my money"}]});
const out = {done: 0, shapes: {}, readable: []};
const wait = ms => new Promise(r => setTimeout(r, ms));
const note = (shape, url, what) => out.readable.push([shape, url, String(what).slice(0, 80)]);
const f = (shape, opts) => async url => { try { const r = await fetch(url, opts); if (r.type !== "opaque" && r.type !== "opaqueredirect") note(shape, url, r.status + await r.text()); } catch (e) {} };
const form = (enctype, method) => async url => { const n = "f" + Math.random(), i = document.createElement("iframe"); i.name = n; document.body.append(i);
  const m = document.createElement("form"); m.action = url; m.method = method; m.target = n; m.enctype = enctype;
  const t = document.createElement("textarea"); t.name = BODY.slice(0, -1) + ',"x":"'; t.value = '"}'; m.append(t); document.body.append(m); m.submit(); await wait(60);
  try { if (i.contentDocument && i.contentDocument.body && i.contentDocument.body.innerText && i.contentWindow.location.href !== "about:blank") note("form", url, i.contentDocument.body.innerText); } catch (e) {} m.remove(); i.remove(); };
const tag = (name, attr, extra) => async url => { const e = document.createElement(name); Object.assign(e, extra || {}); e[attr] = url; let hit = false;
  e.onload = () => { if (name === "img" || name === "script" || name === "link") note(name, url, "loaded"); }; document.body.append(e); await wait(30); e.remove(); };
const SHAPES = {
  "fetch get": f("fetch get"), "fetch get no-cors": f("", {mode: "no-cors"}), "fetch get with cookies": f("fetch get with cookies", {credentials: "include"}),
  "fetch post text": f("fetch post text", {method: "POST", body: BODY}), "fetch post text no-cors": f("", {method: "POST", body: BODY, mode: "no-cors"}),
  "fetch post json": f("fetch post json", {method: "POST", body: BODY, headers: {"content-type": "application/json"}}),
  "fetch post form": f("fetch post form", {method: "POST", body: new URLSearchParams({a: BODY})}),
  "fetch post multipart": f("fetch post multipart", {method: "POST", body: (() => { const d = new FormData(); d.append("a", BODY); return d; })()}),
  "fetch post blob without a type": f("fetch post blob", {method: "POST", body: new Blob([BODY]), mode: "no-cors"}),
  "fetch with a bearer": f("fetch with a bearer", {headers: {authorization: "Bearer __TOKEN__"}}),
  "fetch with x-api-key": f("fetch with x-api-key", {method: "POST", body: BODY, headers: {"x-api-key": "__TOKEN__", "content-type": "application/json"}}),
  "fetch put": f("fetch put", {method: "PUT", body: BODY}), "fetch delete": f("fetch delete", {method: "DELETE"}), "fetch head": f("fetch head", {method: "HEAD"}),
  "xhr": url => new Promise(r => { const x = new XMLHttpRequest(); x.open("POST", url); x.setRequestHeader("content-type", "text/plain"); x.onloadend = () => { if (x.status) note("xhr", url, x.status + x.responseText); r(); }; x.send(BODY); }),
  "beacon": async url => { navigator.sendBeacon(url, BODY); await wait(5); },
  "form urlencoded": form("application/x-www-form-urlencoded", "post"), "form text": form("text/plain", "post"), "form multipart": form("multipart/form-data", "post"), "form get": form("text/plain", "get"),
  "img": tag("img", "src"), "script": tag("script", "src"), "stylesheet": tag("link", "href", {rel: "stylesheet"}),
  "iframe": async url => { const i = document.createElement("iframe"); i.src = url; document.body.append(i); await wait(60); try { const d = i.contentDocument; if (d && d.location.href !== "about:blank" && d.body) note("iframe", url, d.body.innerText); } catch (e) {} i.remove(); },
  "event source": url => new Promise(r => { const s = new EventSource(url); s.onopen = () => { note("event source", url, "open"); s.close(); r(); }; s.onerror = () => { s.close(); r(); }; setTimeout(r, 200); }),
  "websocket": url => new Promise(r => { try { const s = new WebSocket(url.replace("http", "ws")); s.onopen = () => { note("websocket", url, "open"); r(); }; s.onerror = r; s.onclose = r; } catch (e) { r(); } setTimeout(r, 200); }),
  "redirected to it": async url => { try { const r = await fetch("/go?to=" + encodeURIComponent(url), {method: "POST", body: BODY}); note("redirected", url, r.status); } catch (e) {} },
  "sandboxed null origin": async url => { const i = document.createElement("iframe"); i.sandbox = "allow-scripts"; i.srcdoc = `<script>fetch(${JSON.stringify(url)}, {method: "POST", body: ${JSON.stringify(BODY)}}).then(r => parent.postMessage("read", "*"))<\/script>`;
    const h = e => { if (e.data === "read") note("sandboxed", url, "read"); }; addEventListener("message", h); document.body.append(i); await wait(80); removeEventListener("message", h); i.remove(); },
};
(async () => {
  for (const [name, shape] of Object.entries(SHAPES)) { out.shapes[name] = 0; for (const url of URLS) { await Promise.race([shape(url), wait(1500)]); out.shapes[name]++; out.done++; } }
  await wait(300);
  await fetch("/result", {method: "POST", body: JSON.stringify(out)});
})();
</script>"""


class Hostile(http.server.BaseHTTPRequestHandler):
    page = b""
    results: ClassVar[list[dict[str, Any]]] = []
    arrived = threading.Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(type(self).page)

    def do_POST(self) -> None:
        from urllib.parse import parse_qs, urlsplit

        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path.startswith("/go?"):
            self.send_response(307)
            self.send_header("location", parse_qs(urlsplit(self.path).query)["to"][0])
            self.end_headers()
            return
        type(self).results.append(json.loads(body))
        self.send_response(204)
        self.end_headers()
        type(self).arrived.set()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: `apt install chromium` to run the browser attacks")
@pytest.mark.parametrize("origin", ["evil.test", "localhost"])
def test_a_hostile_page(make_daemon: MakeDaemon, tmp_path: Path, origin: str) -> None:
    assert CHROMIUM is not None
    daemon = make_daemon(day_usd="1000")
    # Every route, plain and with the token in the path: a page that somehow learnt it may not use it either.
    paths = [
        "/healthz",
        "/v1/models",
        "/models",
        "/v1/models/localrouter/auto",
        "/v1/chat/completions",
        "/chat/completions",
        "/control/status",
        "/control/traces",
        "/control/stop",
        "/control/budget",
    ]
    base = f"http://127.0.0.1:{daemon.port}"
    urls = (
        [base + p for p in paths]
        + [f"{base}/t/{daemon.client}{p}" for p in paths]
        + [f"{base}/v1/chat/completions?key={daemon.client}"]
    )
    urls.append(f"http://rebound.test:{daemon.port}/t/{daemon.client}/v1/models")
    Hostile.results, Hostile.arrived = [], threading.Event()
    Hostile.page = PAGE.replace("__URLS__", json.dumps(urls)).replace("__TOKEN__", daemon.client).encode()
    before = call(daemon, "/control/status")[1]["door"]
    sent = len(daemon.host.record())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    browser = subprocess.Popen(
        [
            CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", f"--user-data-dir={tmp_path / 'profile'}",
            "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights",
            "--host-resolver-rules=MAP evil.test 127.0.0.1, MAP rebound.test 127.0.0.1", f"http://{origin}:{server.server_address[1]}/",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert Hostile.arrived.wait(240), "the page did not finish"
    finally:
        browser.terminate()
        browser.wait(20)
        server.shutdown()
        server.server_close()
    result = Hostile.results[0]
    after = call(daemon, "/control/status")[1]["door"]
    print(
        f"{origin}: {len(result['shapes'])} shapes x {len(urls)} addresses = {result['done']} tries; refused {after['refused'] - before['refused']}, readable {len(result['readable'])}"
    )
    assert len(result["shapes"]) >= 24 and all(n == len(urls) for n in result["shapes"].values())
    assert after["refused"] - before["refused"] > 100, "the tries did arrive"
    assert after["passed"] - before["passed"] == 1, "only our own look at the counter passed"
    assert result["readable"] == []
    assert len(daemon.host.record()) == sent
