"""docs/verify.py, the short verifier that was written from docs/spec alone, finds in every sample what is to be found there."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
VECTORS = DOCS / "spec" / "vectors"
SOURCE = (DOCS / "verify.py").read_text("utf-8")
TOLD = json.loads((VECTORS / "account.json").read_text("utf-8"))


def verified(*names):
    command = [sys.executable, "-I", DOCS / "verify.py", *(VECTORS / name for name in names)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("one", TOLD["files"], ids=lambda one: one["file"])
def test_a_good_sample_holds(one):
    assert verified(one["file"], one["key"]).returncode == 0


@pytest.mark.parametrize("one", TOLD["spoiled"], ids=lambda one: one["file"])
def test_what_is_wrong_with_a_spoiled_sample_is_found(one):
    said = verified(one["file"], one["key"], *([one["earlier"]] if "earlier" in one else [])).stdout
    assert f"FAILS [{one['check']}]" in said


def test_another_persons_key_is_not_hers():
    assert verified("anna.locum", "mark.locum-key").returncode == 1


def test_without_her_key_file_it_says_what_it_cannot_know():
    assert "could be made up" in verified("anna.locum").stdout


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"v":1,"v":1}'])
def test_what_is_no_account_is_told_in_one_line(content, tmp_path):
    (tmp_path / "her.locum").write_bytes(content)
    said = verified(tmp_path / "her.locum")
    assert (said.returncode, said.stdout.count("\n"), said.stderr) == (2, 1, "")


def test_it_has_two_hundred_lines_at_most_besides_blank_ones_and_explanations():
    told = [
        node for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
    ]
    explained = {
        line
        for node in told
        if ast.get_docstring(node)
        for line in range(node.body[0].lineno, node.body[0].end_lineno + 1)
    }
    lines = enumerate(SOURCE.splitlines(), 1)
    assert sum(bool(line.strip()) and line[0] != "#" and n not in explained for n, line in lines) <= 200


def test_it_needs_one_library_besides_the_standard_one():
    names = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
    }
    assert names - sys.stdlib_module_names == {"cryptography"}
