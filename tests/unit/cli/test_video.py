import subprocess
import sys
from pathlib import Path

import pytest

CLIP = Path(__file__).parents[3] / "examples" / "one_face.mp4"
# The batch, live streams, the view in the terminal, and NumPy's masked arrays: together a quarter
# of a second before the first result.
UNNEEDED = ("rtau.runs.batch.run", "asyncio", "http", "rich", "numpy.ma")
CODE = """
import sys
from rtau.cli.main import main
status = main(sys.argv[2:])
print(status, *(name for name in sys.argv[1].split() if name in sys.modules))
"""


@pytest.mark.needs_onnxruntime
def test_a_table_of_a_single_file_imports_nothing_that_it_does_not_need(tmp_path):
    asked = ["video", str(CLIP), "--csv", str(tmp_path / "a.csv"), "--max-frames", "1"]
    done = subprocess.run(
        [sys.executable, "-c", CODE, " ".join(UNNEEDED), *asked],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["0"]
