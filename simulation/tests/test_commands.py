"""The documented commands, as documented, from an environment that holds HOME and PATH alone."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Seconds until the arm holds the mug, start-up and a busy machine included.
LIMIT = 240


def run_documented(*command: str, typed: str | None = None) -> str:
    """Runs a command and returns what it prints; it must end with 0."""
    environment = {name: os.environ[name] for name in ("HOME", "PATH")}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        printed, _ = process.communicate(typed, timeout=LIMIT)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
    assert process.returncode == 0, printed
    return printed


def test_npm_run_sim_lifts_what_it_is_asked_for() -> None:
    printed = run_documented("npm", "run", "sim", "--", "pick up the yellow mug")
    assert "in the gripper: yellow mug" in printed, printed


def test_the_cell_with_its_camera_on_the_hand_lifts_what_it_is_asked_for() -> None:
    printed = run_documented("npm", "run", "sim", "--", "--camera", "hand", "pick up the yellow mug")
    assert "in the gripper: yellow mug" in printed, printed


def test_the_prompt_takes_a_query_another_scene_and_a_reset() -> None:
    printed = run_documented("npm", "run", "sim", typed="pick up the yellow mug\nscene 3\nreset\n")
    assert "in the gripper: yellow mug" in printed, printed
    first, second = (line for line in printed.splitlines() if line.startswith("on the table: "))
    assert "yellow mug" in first and first != second
    assert printed.count("not done") == 0, printed


def changes_environment(node: ast.AST) -> bool:
    """Whether a statement writes to os.environ."""
    for each in ast.walk(node):
        targets = each.targets if isinstance(each, ast.Assign | ast.Delete) else []
        if any(isinstance(t, ast.Subscript) and ast.unparse(t.value) == "os.environ" for t in targets):
            return True
        if isinstance(each, ast.Call) and ast.unparse(each.func) in {
            "os.environ.setdefault", "os.environ.update", "os.environ.pop", "os.putenv", "os.unsetenv",
        }:  # fmt: skip
            return True
    return False


def runs_when_imported(tree: ast.Module) -> list[ast.stmt]:
    """Statements outside functions and outside `if __name__ == "__main__"`."""
    return [
        each
        for each in tree.body
        if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not (isinstance(each, ast.If) and ast.unparse(each.test) == "__name__ == '__main__'")
    ]


MODULES = [
    path
    for folder in ("simulation", "scripts", "models", "test", "bench")
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def test_there_are_modules() -> None:
    assert len(MODULES) > 30
    assert changes_environment(ast.parse('os.environ["A"] = "1"').body[0])


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_changes_the_environment_while_it_is_imported(path: Path) -> None:
    tree = ast.parse(path.read_text())
    lines = [each.lineno for each in runs_when_imported(tree) if changes_environment(each)]
    assert not lines, f"{path}: line {lines}: whoever imports this module gets another environment"
