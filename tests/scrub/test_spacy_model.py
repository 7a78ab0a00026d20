"""A spaCy model that a user has installed is found, used beside the encoder, and refused by name when it cannot be."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from localrouter.scrub import detectors
from localrouter.scrub.detectors import spacy_model

INIT = """from pathlib import Path
from spacy.util import load_model_from_init_py
def load(**overrides):
    return load_model_from_init_py(__file__, **overrides)
"""


def package(site: Path, lang: str, name: str, labels: dict[str, str], *, broken: bool = False) -> None:
    """A spaCy pipeline of one rule a word, laid out as `spacy package` and pip lay one out."""
    import spacy

    full, version = f"{lang}_{name}", "3.8.0"
    pipeline = spacy.blank(lang)
    ruler: Any = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": label, "pattern": value} for value, label in labels.items()])
    pipeline.meta.update({"name": name, "version": version})
    root = site / full
    root.mkdir(parents=True)
    pipeline.to_disk(root / f"{full}-{version}")
    meta = {**pipeline.meta, "lang": lang, "name": name, "version": version}
    (root / "meta.json").write_text(json.dumps(meta))
    (root / "__init__.py").write_text(INIT)
    if broken:
        (root / f"{full}-{version}" / "config.cfg").write_text("[nlp]\nlang = 7\n")
    info = site / f"{full}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {full}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[spacy_models]\n{full} = {full}\n")


CODE = """
import json, sys
from localrouter.scrub import detectors
from localrouter.scrub.detectors import spacy_model
text = "The lorbifant of Zzyxqua met\\nclass Zzyxqua: pass\\nx = Zzyxqua()"
out = {}
for setting in json.loads(sys.argv[1]):
    try:
        spacy_model.configure({"spacy": setting})
        out[setting] = [[f.type, text[f.start : f.end], f.start] for f in spacy_model.find(text, "")]
    except Exception as exc:
        out[setting] = f"{type(exc).__name__}: {exc}"
print(json.dumps(out))
"""


def run(site: Path, *settings: str) -> dict[str, Any]:
    code = f"import sys; sys.path.insert(0, {str(site)!r})\n{CODE}"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code, json.dumps(settings)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_an_installed_model_is_used_and_chosen_by_the_setting(tmp_path: Path) -> None:
    package(tmp_path, "en", "core_web_md", {"lorbifant": "PERSON", "Zzyxqua": "GPE"})
    package(tmp_path, "en", "core_web_sm", {"lorbifant": "ORG"})
    package(tmp_path, "de", "core_news_sm", {"Zzyxqua": "LOC", "met": "MISC"})
    found = run(tmp_path, "auto", "off", "en_core_web_sm", "en_core_web_trf")
    places = [row for row in found["auto"] if row[0] == "LOCATION"]
    assert ["PERSON", "lorbifant", 4] in found["auto"]
    assert {row[2] for row in places} == {17} and len(places) == 2, "both languages; nothing in the lines of code"
    assert found["off"] == []
    assert [row[0] for row in found["en_core_web_sm"]] == ["ORG"]
    assert found["en_core_web_trf"].startswith(
        "ValueError: the spaCy model en_core_web_trf is not installed (installed: de_core_news_sm"
    )


def test_a_model_that_cannot_be_loaded_is_a_fault_and_not_a_silence(tmp_path: Path) -> None:
    package(tmp_path, "en", "core_web_lg", {"lorbifant": "PERSON"}, broken=True)
    said = run(tmp_path, "auto")["auto"]
    assert said.startswith("DetectorFault: The spaCy model en_core_web_lg cannot be loaded") and "spacy = 'off'" in said


def test_with_none_installed_it_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "entry_points", lambda **_: ())
    spacy_model.configure({"spacy": "auto"})
    monkeypatch.setattr(spacy_model, "_model", lambda name: pytest.fail("a model was loaded"))
    assert spacy_model.find_all([("Jane Doe lives in Paris.", "")] * 3) == [[], [], []]
    assert spacy_model in detectors.all_detectors()
