"""Workbooks: the numbers of the JSON, units in the headings, and no formula of a stranger."""

from __future__ import annotations

import io
import json
import math
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import mbcost
from mbcost.__main__ import main
from mbcost.report.files import excel

openpyxl = pytest.importorskip("openpyxl", reason="needs openpyxl, which the test extra brings")
pytest.importorskip("xlsxwriter", reason="needs XlsxWriter, which the test extra brings")

EVIL = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://evil.example")', "http://evil.example", "1e3", "{=1}"]


def saved(result: Any, tmp_path: Path) -> Any:
    path = tmp_path / "book.xlsx"
    result.save(path)
    return openpyxl.load_workbook(path)


def rows(sheet: Any) -> list[dict[str, Any]]:
    """The rows of a sheet, by their headings."""
    heads, *cells = sheet.iter_rows(values_only=True)
    return [dict(zip(heads, row, strict=True)) for row in cells]


def test_an_analysis(tmp_path):
    found = mbcost.analyze("mobilenet_v2", ["pixel1", "pixel4/gpu"])
    book = saved(found, tmp_path)
    assert book.sheetnames == ["Summary", "Layers", "Classes", "Caveats", "Columns"]
    for row, analysis in zip(rows(book["Summary"]), found, strict=True):
        assert row["latency [ms]"] == pytest.approx(analysis.latency_s * 1e3, rel=1e-15)
        assert row["macs [MAC]"] == 300_774_272
        assert row["basis"] == analysis.basis
    layers = [layer.to_dict() for analysis in found for layer in analysis.layers]
    for row, layer in zip(rows(book["Layers"]), layers, strict=True):
        assert row["name"] == layer["name"]
        assert row["input shape"] == "x".join(map(str, layer["input_shape"]))
        assert row["weight [B]"] == layer["weight_bytes"]
        assert row["latency [ms]"] == pytest.approx(layer["latency_ms"], rel=1e-15)
    classes = [row for row in rows(book["Classes"]) if row["target"] == found[0].target.name]
    assert math.fsum(row["share [%]"] for row in classes) == pytest.approx(100)
    assert math.fsum(row["latency [ms]"] for row in classes) == pytest.approx(found[0].latency_s * 1e3)


def test_a_comparison(tmp_path):
    found = mbcost.compare(["mobilenet_v1", "mobilenet_v2"], "pixel1")
    book = saved(found, tmp_path)
    data = found.to_dict()
    assert [row["latency ratio"] for row in rows(book["Subjects"])] == [s["latency_ratio"] for s in data["subjects"]]
    pairs = data["comparisons"][0]["layers"]
    assert [row["difference [ms]"] for row in rows(book["Layers"])] == pytest.approx(
        [p["difference_ms"] for p in pairs]
    )
    assert [row["other name"] for row in rows(book["Layers"])] == [(p["other"] or {}).get("name") for p in pairs]


def test_a_sweep_and_a_pick(tmp_path):
    found = mbcost.sweep("mobilenet_v2", "pixel1", alpha="0.5,1", resolution="160,224")
    book = saved(found, tmp_path)
    assert [row["latency [ms]"] for row in rows(book["Sweep"])] == pytest.approx(found.columns["latency_ms"].tolist())
    assert all(row["on front"] is True for row in rows(book["Front"]))
    assert [row["top1 [%]"] for row in rows(book["Sweep"])][-1] == 71.8  # published: mobilenet_v2 1 / 224
    picked = mbcost.pick("mobilenet_v2", ["pixel1", "pixel4"], budget="30ms")
    book = saved(picked, tmp_path / "..")
    assert picked.pick is not None
    first = rows(book["Pick"])[0]
    assert (first["choice"], first["alpha"], first["resolution [pixels]"]) == (
        "pick",
        picked.pick.alpha,
        picked.pick.resolution,
    )
    assert {row["target"] for row in rows(book["Alone"])} == {one.target for one in picked.alone}


def test_every_quantity_has_its_unit_and_every_column_is_explained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in (
        ("analyze", "mobilenet_v1", "-d", "pixel1"),
        ("compare", "mobilenet_v1", "mobilenet_v2", "-d", "pixel1"),
        ("sweep", "mobilenet_v1", "-d", "pixel1"),
        ("pick", "mobilenet_v1", "-d", "pixel1", "-d", "pixel4", "-b", "50ms"),
        ("validate", "-d", "pixel1"),
    ):
        assert main([*command, "-o", f"{command[0]}.xlsx"]) == 0
        book = openpyxl.load_workbook(f"{command[0]}.xlsx")
        legend = rows(book["Columns"])
        shown = {(sheet.title, cell.value) for sheet in book if sheet.title != "Columns" for cell in sheet[1]}
        assert {(row["sheet"], row["column"]) for row in legend} == shown
        for row in legend:
            assert row["meaning"], row
            if row["key"].endswith(("_ms", "_bytes", "_mj", "_per_s", "macs")):
                assert row["unit"], row
                assert row["column"].endswith(f"[{row['unit']}]")


def check_texts(content: bytes, sheet: str, names: list[str]) -> None:
    """Check that names are texts of a sheet, and that it has no formula and no link."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = [cell for row in book[sheet].iter_rows(min_row=2) for cell in row if cell.value in names]
    assert {cell.value for cell in cells} == set(names)
    assert {cell.data_type for cell in cells} == {"s"}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/"):
                text = archive.read(name)
                assert b"<f>" not in text
                assert b"yperlink" not in text


def test_names_are_texts():
    check_texts(excel._book(excel.Sheet("Layers", [{"name": name} for name in EVIL], {})), "Layers", EVIL)


@pytest.mark.parametrize("name", EVIL)
def test_names_of_networks_are_texts(tmp_path, name):
    table = tmp_path / "evil.yaml"
    layer = "{op: conv2d, out: 4, kernel: 1}"
    table.write_text(f"name: {json.dumps(name)}\nsource: s\ninput: 8x8x4\nlayers: [{layer}]\n")
    check_texts(excel.analyses_book([mbcost.analyze(str(table), "pixel1")]), "Summary", [name])


def test_characters_that_no_sheet_holds(tmp_path):
    assert excel._cell("a\x00b\x1b[31m") == "a\\x00b\\x1b[31m"
    assert len(str(excel._cell("x" * 100_000))) <= 32_767  # Excel's limit of a cell
    assert excel._cell(float("nan")) == excel._cell(float("inf")) == excel._cell(None) == ""


def test_more_rows_than_a_sheet_holds(monkeypatch):
    found = mbcost.sweep("mobilenet_v2", "pixel1", alpha="0.5,1", resolution="160,224")
    monkeypatch.setattr(excel, "_MOST_ROWS", 4)
    with pytest.raises(mbcost.InputError, match="a sheet holds 3 rows, the sweep has 4") as caught:
        excel.sweep_book(found)
    assert caught.value.codes == ("MB010",)


def test_without_its_package(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    monkeypatch.chdir(tmp_path)
    assert main(["analyze", "mobilenet_v1", "-d", "pixel1", "-o", "x.xlsx"]) == 2
    assert capsys.readouterr().err.startswith("error[MB011]: Excel's workbooks need XlsxWriter")
    assert not (tmp_path / "x.xlsx").exists()


@pytest.mark.parametrize("command", [("analyze", "mobilenet_v1"), ("sweep", "mobilenet_v1")])
def test_it_goes_to_a_file(command, capsys):
    assert main([*command, "-d", "pixel1", "--format", "xlsx"]) == 2
    assert "FILE" in capsys.readouterr().err


def test_it_is_a_book(tmp_path):
    content = excel.analyses_book([mbcost.analyze("mobilenet_v1", "pixel1")])
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
