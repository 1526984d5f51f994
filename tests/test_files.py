"""Reading within limits, and writing all or nothing."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from mbcost.errors import InputError, Problem
from mbcost.files import MAX_BYTES, is_file, load_yaml, read_text, write_text


def refused(path: Path, max_bytes: int = MAX_BYTES) -> Problem:
    with pytest.raises(InputError) as caught:
        read_text(path, max_bytes)
    (problem,) = caught.value.problems
    assert problem.render().isprintable() or "\n" in problem.render()
    return problem


# Reading


def test_text_comes_back_without_its_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("\ufeffa: ü\r\n".encode())
    assert read_text(path) == "a: ü\r\n"
    assert load_yaml(path).data == {"a": "ü"}


def test_errors_show_the_name_that_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: [")
    with pytest.raises(InputError, match=r"--> mobilenet_v2:1:"):
        load_yaml(path, "mobilenet_v2")


def test_missing(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.yaml").code == "MB001"
    (tmp_path / "file").write_text("")
    problem = refused(tmp_path / "file" / "none.yaml")
    assert (problem.code, "not a directory" in problem.message) == ("MB001", True)


def test_directory_and_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path).code == "MB002"
    assert refused(tmp_path / "pipe").code == "MB002"  # and does not wait for a writer


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_device(device: str) -> None:
    if not Path(device).exists():
        pytest.skip(f"no {device} here")
    assert refused(Path(device)).code == "MB002"


def test_link_that_leads_to_itself(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert refused(tmp_path / "loop").code == "MB001"
    (tmp_path / "dangling").symlink_to(tmp_path / "none")
    assert refused(tmp_path / "dangling").code == "MB001"


@pytest.mark.parametrize("name", ["a\0b", "n" * 5000, "\udcff"])
def test_odd_names(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path / name).code == "MB001"


def test_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1")

    def no(self: Path, *args: Any, **kwargs: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", no)
    assert refused(path).code == "MB003"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_for_real(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1")
    path.chmod(0)
    assert refused(path).code == "MB003"


def test_size_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"#" * 100)
    assert read_text(path, 100) == "#" * 100
    problem = refused(path, 99)
    assert problem.code == "MB004"


class Endless(io.BytesIO):
    """A stream without an end that counts what is taken from it."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert size >= 0, "all of it"
        self.taken += size
        return b"#" * size


def test_no_more_than_the_limit_is_read_of_a_large_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as stream:
        stream.truncate(100 * 2**20)
    assert "is larger than 2 MiB" in refused(path).message
    endless = Endless()
    monkeypatch.setattr(Path, "open", lambda *_: endless)
    assert refused(path).code == "MB004"
    assert endless.taken == MAX_BYTES + 1
    assert endless.closed


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"a: 1\nb: \xff\n", "2:4"),
        ("ü: ".encode() + b"\xc3", "1:4"),
        (b"\xef\xbb\xbfa: \xff", "1:4"),
        ("漢\n漢: ".encode() + b"\x80", "2:4"),
    ],
)
def test_not_utf8(tmp_path: Path, raw: bytes, place: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(raw)
    problem = refused(path)
    assert problem.code == "MB005"
    assert str(problem.location) == f"{path}:{place}"


def test_nul_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"a\0b")
    assert refused(path).code == "MB005"


# Writing


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_refused(path: Path, text: str = "new", *, force: bool = False) -> Problem:
    with pytest.raises(InputError) as caught:
        write_text(path, text, force=force)
    (problem,) = caught.value.problems
    return problem


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    text = "ü\r\nx\ny\n"
    write_text(path, text)
    assert path.read_bytes() == text.encode()
    assert names(tmp_path) == ["a.csv"]


def test_mode_follows_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    before = os.umask(0o027)
    try:
        write_text(path, "x")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_an_existing_file_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    problem = write_refused(path)
    assert (problem.code, path.read_text()) == ("MB007", "old")
    assert problem.hint is not None
    assert "`force=True`" in problem.hint
    write_text(path, "new", force=True)
    assert path.read_text() == "new"


def test_links_are_asked_for_and_followed(tmp_path: Path) -> None:
    real, link, dangling = (tmp_path / name for name in ("real.csv", "link.csv", "dangling.csv"))
    real.write_text("old")
    link.symlink_to("real.csv")
    dangling.symlink_to("later.csv")
    assert write_refused(link).code == write_refused(dangling).code == "MB007"
    assert names(tmp_path) == ["dangling.csv", "link.csv", "real.csv"]
    write_text(link, "new", force=True)
    write_text(dangling, "later", force=True)
    assert link.is_symlink()
    assert dangling.is_symlink()
    assert (real.read_text(), (tmp_path / "later.csv").read_text()) == ("new", "later")


def test_what_can_be_no_file_is_none(tmp_path: Path) -> None:
    assert is_file(Path(__file__))
    assert not any(map(is_file, (tmp_path, tmp_path / "none", tmp_path / ("n" * 5000), tmp_path / "a\0b")))


@pytest.mark.parametrize("step", ["fdopen", "chmod", "replace"])
def test_a_failing_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    opened: list[int] = []

    def fails(*args: Any, **kwargs: Any) -> None:
        opened.extend(arg for arg in args[:1] if isinstance(arg, int))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fails)
    problem = write_refused(path, force=True)
    for handle in opened:
        os.close(handle)
    assert (problem.code, "No space left on device" in problem.message) == ("MB008", True)
    assert names(tmp_path) == ["a.csv"]
    assert path.read_text() == "old"


def test_an_interrupt_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_text(tmp_path / "a.csv", "new")
    assert names(tmp_path) == []


def test_an_interrupt_behind_the_last_step_stays_an_interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def interrupt(*args: Any) -> None:
        replace(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_text(tmp_path / "a.csv", "new")
    assert (tmp_path / "a.csv").read_text() == "new"


def test_text_that_has_no_encoding(tmp_path: Path) -> None:
    assert write_refused(tmp_path / "a.csv", "\ud800").code == "MB008"
    assert names(tmp_path) == []


def test_targets_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert write_refused(tmp_path, force=True).code == "MB008"
    assert write_refused(tmp_path / "pipe", force=True).code == "MB008"
    assert write_refused(tmp_path / "none" / "a.csv").code == "MB008"
    assert write_refused(tmp_path / "a\0b").code == "MB008"
    assert write_refused(tmp_path / ("n" * 5000)).code == "MB008"
    assert names(tmp_path) == ["loop", "pipe"]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        assert write_refused(tmp_path / "a.csv").code == "MB008"
    finally:
        tmp_path.chmod(0o755)
