"""All screens at the widths of terminals: nothing runs over, nothing of what ships is cut, numbers are whole."""

from __future__ import annotations

import pytest

from mbcost.__main__ import main

SCREENS = {
    "analyze": ("analyze", "mobilenet_v3_large", "-d", "pixel1"),
    "analyze by block": ("analyze", "densenet121", "-d", "zcu102", "--group-by", "block", "--all"),
    "compare": ("compare", "mobilenet_v1", "mobilenet_v2", "-d", "pixel1"),
    "pick": ("pick", "mobilenet_v2", "-d", "pixel1", "-b", "30ms"),
    "pick of two": (
        "pick",
        "mobilenet_v1",
        "mobilenet_v2",
        "-d",
        "pixel1",
        "-d",
        "pixel4",
        "-b",
        "25fps",
        "-b",
        "6MiB",
    ),
    "sweep": ("sweep", "mobilenet_v1", "mobilenet_v2", "-d", "pixel4/gpu", "--published"),
    "stream": ("stream", "mobilenet_v2", "-d", "pixel4/gpu", "--preprocess", "3ms", "--buffers", "1,2"),
    "devices": ("devices",),
    "device": ("devices", "show", "pixel1"),
    "architecture": ("architectures", "show", "mobilenet_v3_small"),
}


@pytest.mark.parametrize("name", SCREENS)
def test_screens_fit(name, capsys, monkeypatch):
    for width in (60, 80, 200):
        monkeypatch.setenv("COLUMNS", str(width))
        assert main(SCREENS[name]) == 0
        out = capsys.readouterr().out
        assert max(map(len, out.splitlines())) <= width
        if width >= 100 and name not in {"devices", "analyze by block"}:
            assert "…" not in out


@pytest.mark.parametrize("count", [1, 500])
def test_few_and_many_layers_with_long_names(cli, tmp_path, monkeypatch, count):
    names = [f"{'long_' * 15}{number}" for number in range(count)]
    rows = "".join(f"  - {{name: {name}, op: conv2d, out: 8, kernel: 3}}\n" for name in names)
    (tmp_path / "long.yaml").write_text(f"name: long\nsource: s\ninput: 16x16x8\nlayers:\n{rows}")
    monkeypatch.setenv("COLUMNS", "80")
    lines = cli("analyze", "long.yaml", "-d", "pixel1", "--all").out.splitlines()
    layers = [line.split() for line in lines if line.startswith("  long_long")]
    assert len(layers) == count
    assert max(map(len, lines)) <= 80
    # 16 x 16 x 8 outputs of 3 x 3 x 8 products each
    assert {cells[1] for cells in layers} == {"16x16x8"}
    assert all(0 < float(cells[2]) < 10 for cells in layers)
