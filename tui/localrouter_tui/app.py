"""The TUI: what left the machine, why, and what it cost; live. A client of the control API, never of the database."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from typing import Any, ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import DataTable, Footer, Input, Static

from localrouter_tui.client import Daemon, DaemonDown, Refused
from localrouter_tui.detail import detail
from localrouter_tui.text import clean, usd

REFRESH_S = 1.0
ROWS = 200


class RouterApp(App[None]):
    """`/` filters, `p` pauses, Enter shows a request, `q` leaves."""

    TITLE = "localrouter"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter"),
        Binding("p", "pause", "Pause"),
        Binding("d", "doctor", "Doctor"),
        Binding("escape", "back", "Back", show=False),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, daemon: Daemon | None = None) -> None:
        super().__init__()
        self._daemon = daemon or Daemon()
        self._paused = False
        self._busy = False
        self._shown: str | None = None
        self._ids: list[str] = []

    def compose(self) -> ComposeResult:
        yield Static(id="head", markup=False)
        yield Input(placeholder="words that the veiled text must have", id="filter")
        with Horizontal(id="body"):
            yield DataTable(id="list", cursor_type="row", zebra_stripes=True)
            with VerticalScroll(id="side"):
                yield Static(id="detail", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#filter").display = False
        table = self.query_one("#list", DataTable)
        for name, width in (("time", 8), ("lane", 6), ("model", 24), ("found", 22), ("cost", 9), ("ms", 6)):
            table.add_column(name, width=width, key=name)
        table.focus()
        self.set_interval(REFRESH_S, self.refresh_list)
        self.call_later(self.refresh_list)

    async def refresh_list(self) -> None:
        """One look at the daemon; a slow answer is not overtaken by the next look."""
        if self._paused or self._busy:
            return
        self._busy = True
        try:
            query = self.query_one("#filter", Input).value.strip() or None
            status = await self._daemon.get("status")
            budget = await self._daemon.get("budget")
            rows = (await self._daemon.get("traces", limit=ROWS, q=query))["traces"]
        except (DaemonDown, Refused) as exc:
            self._head(Text(f"{exc.text} Waiting for it.", style="bold red"))
            return
        finally:
            self._busy = False
        self._head(self._summary(status, budget))
        self._fill(rows)

    def _head(self, text: Text) -> None:
        self.query_one("#head", Static).update(text)

    @staticmethod
    def _summary(status: dict[str, Any], budget: dict[str, Any]) -> Text:
        today = next((b for b in budget["budgets"] if b["scope"] == "daily"), None)
        spent = usd(today["spent"]) if today else usd(budget["spent_today_micro"])
        limit = f" of {usd(today['limit'])}" if today and today["limit"] is not None else ""
        scan = "scan ready" if status["inspector"]["alive"] else "SCAN NOT RUNNING"
        local = "local model ready" if status["local"]["available"] else "no local model"
        return Text.assemble(
            ("localrouter ", "bold"), clean(status["recipe"]), "   today ", (spent, "bold"), limit, "   ",
            (scan, "" if status["inspector"]["alive"] else "bold red"), "   ", local, f"   {status['in_flight']} in flight",
        )  # fmt: skip

    def _fill(self, rows: list[dict[str, Any]]) -> None:
        table = self.query_one("#list", DataTable)
        ids = [r["id"] for r in rows]
        if ids == self._ids:
            return
        at = self._ids[table.cursor_row] if self._ids and table.cursor_row < len(self._ids) else None
        self._ids = ids
        table.clear()
        for r in rows:
            when = datetime.fromtimestamp(r["started"]).astimezone().strftime("%H:%M:%S")
            found = ", ".join(f"{n} {t}" for t, n in sorted(r["findings"].items())) or "-"
            lane = Text(r["lane"], style={"local": "green", "hosted": "cyan"}.get(r["lane"], "red"))
            table.add_row(
                when,
                lane,
                Text(clean(r["model"] or f"status {r['status']}")),
                Text(found),
                Text(usd(r["cost_micro"])),
                f"{r['ms']:.0f}",
                key=r["id"],
            )
        if at in ids:
            table.move_cursor(row=ids.index(at))

    async def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        await self._show(str(event.row_key.value))

    async def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        if event.row_key is not None and event.row_key.value is not None:
            await self._show(str(event.row_key.value))

    async def _show(self, id_: str) -> None:
        if id_ == self._shown:
            return
        self._shown = id_
        try:
            record = await self._daemon.get(f"traces/{id_}")
        except (DaemonDown, Refused) as exc:
            self.query_one("#detail", Static).update(Text(exc.text))
            return
        if self._shown == id_:
            self.query_one("#detail", Static).update(detail(record))
            self.query_one("#side", VerticalScroll).scroll_home(animate=False)

    def action_filter(self) -> None:
        box = self.query_one("#filter", Input)
        box.display = True
        box.focus()

    async def on_input_submitted(self) -> None:
        await self.refresh_list()
        self.query_one("#list").focus()

    async def action_back(self) -> None:
        box = self.query_one("#filter", Input)
        box.value, box.display = "", False
        self.query_one("#list").focus()
        await self.refresh_list()

    def action_pause(self) -> None:
        self._paused = not self._paused
        self.sub_title = "paused" if self._paused else ""
        if self._paused:
            self._head(Text("Paused; p goes on.", style="bold yellow"))

    async def action_doctor(self) -> None:
        self._shown = None
        panel = self.query_one("#detail", Static)
        panel.update(Text("examining ..."))
        start = time.monotonic()
        try:
            checks = (await self._daemon.get("doctor"))["checks"]
        except (DaemonDown, Refused) as exc:
            panel.update(Text(exc.text))
            return
        out = Text("Doctor\n\n", style="bold")
        for check in checks:
            mark, colour = {True: ("ok  ", "green"), False: ("FAIL", "bold red"), None: ("note", "yellow")}[check["ok"]]
            out.append(f"{mark}  ", style=colour)
            out.append(clean(f"{check['name']}: {check['detail']} {check.get('do', '')}\n"), style="not bold")
        out.append(f"\n{(time.monotonic() - start) * 1000:.0f} ms", style="dim")
        panel.update(out)


def main() -> int:
    """The entry point `localrouter-tui`."""
    RouterApp().run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
