"""The pages as a browser shows them: nothing is asked of the network, nothing runs off the side, plots are painted."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from tests.experiments.report.test_whole import one, two

pytestmark = pytest.mark.skipif(not shutil.which("chromium"),
                                reason="there is no chromium (./lab setup --browser installs it)")
WIDTHS = {"telephone": 390, "desk": 1100}
CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND"]
MEASURE = """<script>addEventListener("load", () => document.title = [
  document.documentElement.scrollWidth - innerWidth, performance.getEntriesByType("resource").length,
  [...document.querySelectorAll("svg")].filter(svg => svg.checkVisibility() && !svg.getBoundingClientRect().height)
  .length].join(" "))</script></body>"""


def chromium(tmp_path: Path, *arguments: str) -> str:
    command = [*CHROMIUM, f"--user-data-dir={tmp_path / 'profile'}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.fixture(params=[one, two])
def page(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / "page.html"
    file.write_text(request.param())
    return file


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_it_fits_and_needs_nothing(page: Path, tmp_path: Path, width: int) -> None:
    measured = tmp_path / "measured.html"
    measured.write_text(page.read_text().replace("</body>", MEASURE))
    shown = chromium(tmp_path, f"--window-size={width},900", "--dump-dom", measured.as_uri())
    over, asked, flat = map(int, shown.partition("<title>")[2].partition("</title>")[0].split())
    assert over <= 0, "it runs off the side"
    assert asked == 0, "it asks for something"
    assert flat == 0, "a plot without a height"


def test_a_screenshot_shows_it(page: Path, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    chromium(tmp_path, "--window-size=1000,3000", f"--screenshot={picture}", page.as_uri())
    with Image.open(picture) as image:
        colours = image.convert("RGB").getcolors(1 << 24)
        assert image.size == (1000, 3000)
    assert colours is not None
    painted = [count for count, _ in colours if count > 200]
    assert len(painted) > 12, "text, plots and tables have their colours"
    assert max(painted) < 0.97 * 1000 * 3000, "there is more than paper"
