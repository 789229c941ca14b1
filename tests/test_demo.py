"""The demo as a reader runs it: the whole story on a real mail host, and nothing left behind."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from locum.demo.queueing import may_forward


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="the demo starts a real Postfix, which only root can")
@pytest.mark.skipif(shutil.which("postfix", path="/usr/sbin:/usr/bin") is None, reason="Postfix is not installed")
def test_everything_in_the_story_is_observed() -> None:
    with tempfile.TemporaryDirectory(prefix="locum-demo-test-") as folder:
        Path(folder).chmod(0o711)
        environment = {**os.environ, "TMPDIR": folder}
        command = [sys.executable, "-m", "locum", "demo", "--once"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        assert "✗" not in done.stdout
        for told in (
            "a copy lies in Eva's mailbox",
            "her signature is on record beside his",
            "its signature stands under the published state of the record",
            "an incident is on record",
        ):
            assert (f"✓ {told}" in done.stdout) == may_forward()
        assert [path.name for path in Path(folder).iterdir()] == []
