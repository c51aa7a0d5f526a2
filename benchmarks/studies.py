"""Run studies on MNIST, and put their reports into docs/studies/, with pictures.

``make studies`` runs both that the docs show; ``python -m benchmarks.studies scaling`` runs one.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

import gdexp
from benchmarks.document import DOCS, table

COLOURS = 64  # of a picture of the docs: a quarter of the bytes
STUDIES = {
    "scaling": ["data=mnist", "engine=compiled", "epochs=5"],
    "batch_sizes": ["data=mnist", "engine=compiled"],
}


def run(name: str, outputs: Path) -> Path:
    """Run a study; give the folder of its report."""
    words = ["-m", "gdexp", "-m", f"+study={name}", *STUDIES[name], f"outputs={outputs}"]
    subprocess.run([sys.executable, *words], check=True)
    (page,) = outputs.glob("sweeps/*/*/report/report.md")
    return page.parent


def speed_ups(outputs: Path) -> list[str]:
    """Lay out what an update with m examples takes, beside one with all, and its noise."""
    uri = f"sqlite:///{outputs}/mlflow.db"
    runs, curves = gdexp.runs(uri=uri), gdexp.epochs(uri=uri)
    last = curves.groupby("run").last()
    each = last["progress/seconds"] / last["progress/updates"]  # seconds an update
    m = last["progress/examples"] / last["progress/updates"]
    n = m.max()
    whole = each[m == n].median()
    noise = curves[curves["epoch"] == 0]
    rows = []
    for size, some in runs.groupby(m.reindex(runs.index).round().astype(int)):
        seconds = each.reindex(some.index).median()
        name = f"noise/error_m{size}"
        error = f"{noise[name].median():.2f}" if name in noise else "0"
        reached = f"{last.loc[some.index, 'val/accuracy'].mean():.1%}".replace("%", " %")
        times = [f"{n / size:,.0f}", f"{whole / seconds:,.0f}", f"{seconds * 1e6:,.1f}"]
        rows.append([f"{size:,}", *times, error, reached])
    head = ["m", "n/m", "measured speed-up", "an update, µs", "relative error at the start"]
    return table([*head, "validation accuracy at the end"], rows)


def keep(folder: Path, name: str, more: list[str]) -> None:
    """Put a report into the docs: its text, and its pictures in fewer colours."""
    home = DOCS / "studies" / name
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    text = (folder / "report.md").read_text(encoding="utf-8")
    text = re.sub(r" (?:outputs|data\.root)=\S+", "", text)  # which are of this machine
    command = f"    python -m gdexp -m +study={name} {' '.join(STUDIES[name])}"
    told = ["", "Written by `make studies`, which runs", "", command, "", *more]
    title, _, rest = text.partition("\n")
    (home / "report.md").write_text("\n".join([title, *told, rest.lstrip()]), encoding="utf-8")
    for picture in folder.glob("*.png"):
        with Image.open(picture) as image:
            image.convert("RGB").quantize(COLOURS).save(home / picture.name, optimize=True)


SPEED = """\
## The speed-up

The book says of m = 10 and n = 60,000: "a factor of 6,000 speedup in estimating the gradient". Here
n = 50,000, since 10,000 images are kept for validation. The measured speed-up is the time of an
update with all n examples over that of one with m: seconds of training by the number of updates,
the median of the seeds. The relative error of an estimate is √(mean ‖G_m − G‖²) / ‖G‖, measured by
`diagnostics=noise` before the first update.
Times vary with what else the machine does. All have seen the same number of examples at the end.
"""


def main(names: list[str]) -> None:
    """Run the studies, and write the docs."""
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            outputs = Path(folder)
            report = run(name, outputs)
            more = [SPEED, *speed_ups(outputs), ""] if name == "batch_sizes" else []
            keep(report, name, more)


if __name__ == "__main__":
    main(sys.argv[1:] or [*STUDIES])
