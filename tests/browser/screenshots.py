"""The README's screenshots, of the demo's review page: `make screenshots`, or `screenshots.py FOLDER`."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

SHOTS = {"story.png": ("/?q=ferry&state=all", 1640), "sources.png": ("/sources", 760)}   # where, and pixels of height


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    folder.mkdir(exist_ok=True)
    demo = subprocess.Popen([sys.executable, "-m", "crawler", "demo", "--serve", "--listen", "127.0.0.1:0"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)
    try:
        base = next(hit[0] for line in demo.stderr if (hit := re.search(r"http://127\.0\.0\.1:\d+", line)))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=[
                "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"])
            page = browser.new_page(color_scheme="light", reduced_motion="reduce")
            for name, (path, height) in SHOTS.items():
                page.set_viewport_size({"width": 1180, "height": height})
                page.goto(base + path)
                if name == "story.png":     # the story that was found
                    page.click("ol.stories h2 a")
                    page.wait_for_load_state()
                page.screenshot(path=folder / name)
            browser.close()
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(30)


if __name__ == "__main__":
    main()
