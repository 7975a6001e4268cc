import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_folder_named_operator_leaves_the_standard_library_alone() -> None:
    """In-process pytest would not notice: `operator` is already imported. A fresh interpreter from the root does."""
    finished = subprocess.run(
        [sys.executable, "-S", "-c", "import operator; print(operator.add(1, 2))"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.stdout == "3\n", finished.stderr


def test_no_python_file_lies_loose_in_a_folder_that_is_no_package() -> None:
    loose = [path.name for folder in ("operator", "tenant_app", "contract") for path in (ROOT / folder).glob("*.py")]
    assert loose == []
