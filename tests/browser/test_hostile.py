"""Foreign text in a real browser: nothing of it runs, and it is all there to read."""

import asyncio
from types import SimpleNamespace

import pytest

from tests.hostile.test_shown import PAYLOADS, fill

# What a payload that came through would leave behind, whatever it calls.
TRAP = "<script>for (const name of ['alert', 'confirm', 'prompt']) window[name] = () => document.documentElement.dataset.owned = 1</script>"


@pytest.fixture
def page(tmp_path):
    from crawler import cli

    asyncio.run(fill(tmp_path))
    (tmp_path / "f.yaml").write_text(f"store: sqlite:///{tmp_path / 'store.db'}\nstate_dir: {tmp_path}\n"
                                     "contact: desk@news.internal\nfeeds: []\n")
    target = tmp_path / "report.html"
    assert cli._run(["-c", str(tmp_path / "f.yaml"), "report", "--format", "html", "-o", str(target)]) == 0
    return SimpleNamespace(path=target, text=target.read_text())


@pytest.mark.parametrize("guarded", [True, False], ids=["as it is", "without its policy, by escaping alone"])
def test_no_payload_runs(page, browser, guarded, tmp_path):
    import re

    text = page.text if guarded else re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', TRAP, page.text)
    copy = tmp_path / "trial.html"
    copy.write_text(text)
    dom = browser.dom(copy)
    assert "data-owned" not in dom
    assert "<title>Duplicate report</title>" in dom
    assert ("<script" in dom) is (not guarded)
    for name in ("script", "onerror", "template"):
        assert PAYLOADS[name].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in dom
