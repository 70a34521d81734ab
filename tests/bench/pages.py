"""How long each page and feed takes over a store, asked of a real `firsthand serve`, beside what an empty answer takes.

    python tests/bench/crowd.py sqlite:///crowd.db --stories 100000
    python tests/bench/pages.py sqlite:///crowd.db
"""

import argparse
import http.client
import json
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

PATHS = {
    "nothing": "/healthz", "queue": "/", "queue, all": "/?state=all", "queue, further on": "/?state=all&after={cursor}",
    "by a common word": "/?state=all&q={common}", "by a rare word": "/?state=all&q={rare}", "by three words": "/?state=all&q={three}",
    "by source": "/?state=all&source={source}", "by copier": "/?state=all&role=copy&source={source}", "by kind": "/?state=all&kind=excerpt",
    "by language and size": "/?state=all&language=ar&min_copies=3", "by time": "/?state=all&since=2026-02-01&until=2026-03-01",
    "story": "/stories/{story}", "story of many copies": "/stories/{large}", "sources": "/sources", "sources, 30 days": "/sources?period=30d",
    "source": "/source?name={source}", "rewordings": "/rewordings", "originals.atom": "/originals.atom", "originals.json": "/originals.json",
    "originals of a source": "/originals.atom?source={source}", "originals by words": "/originals.atom?q={common}",
    "copies.atom": "/copies.atom?source={source}", "API stories": "/api/v1/stories?limit=100", "API changes": "/api/v1/changes?after=50000",
    "API sources": "/api/v1/sources", "API flows": "/api/v1/flows?limit=1000",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store")
    parser.add_argument("--times", type=int, default=15)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "firsthand.yaml"
        config.write_text(f"store: {asked.store}\nstate_dir: {folder}\nreview: {{listen: '127.0.0.1:0'}}\nfeeds: []\n")
        server = subprocess.Popen([sys.executable, "-m", "crawler", "-c", str(config), "serve"], stderr=subprocess.PIPE, text=True)
        try:
            port = next(int(hit[1]) for line in server.stderr if (hit := re.search(r"127\.0\.0\.1:(\d+)/", line)))
            measure(http.client.HTTPConnection("127.0.0.1", port, timeout=120), asked.times)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def get(connection, path):
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status} {body[:200]!r}")
    return body


def measure(connection, times):
    known = about(connection)
    base, slow = None, []
    print(f"{'page':24} {'median ms':>10} {'most ms':>8} {'times nothing':>14} {'kB':>7}")
    for name, path in PATHS.items():
        asked = path.format(**known)
        body, took = get(connection, asked), []
        for _ in range(times):
            begun = time.perf_counter()
            get(connection, asked)
            took.append((time.perf_counter() - begun) * 1000)
        median = statistics.median(took)
        base = base or median
        slow += [name] if median > 100 else []
        print(f"{name:24} {median:10.1f} {max(took):8.1f} {median / base:14.1f} {len(body) / 1000:7.1f}")
    print(f"over 100 ms: {', '.join(slow) or 'none'}")


def about(connection):
    """What there is in the store to ask for."""
    first = json.loads(get(connection, "/api/v1/stories?state=all&limit=100"))
    large = json.loads(get(connection, "/api/v1/stories?state=all&min_copies=9&limit=1"))["stories"]
    source = json.loads(get(connection, "/api/v1/sources"))["sources"][0]["source"]
    words = [word for one in first["stories"] for word in one["original"]["title"].split()]
    common = statistics.mode(words)
    return {"cursor": first["next"], "common": quote(common), "rare": quote(min(words, key=words.count)), "source": quote(source),
            "three": quote(" ".join(first["stories"][0]["original"]["title"].split()[:3])),
            "story": first["stories"][0]["id"], "large": (large or first["stories"])[0]["id"]}


if __name__ == "__main__":
    main()
