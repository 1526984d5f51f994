"""Plotly's bundle is cut down to what the pages draw, or kept whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

import mbcost.report
from mbcost.report.html.bundle import TRACES, without_unused

#: A bundle as esbuild lays it out, with what makes brackets hard to count.
HEAD = (
    "var Plotly=(()=>{var es=(e,t,r)=>()=>{if(r)throw r[0];return e&&(t=e(e=0)),t};"
    "var cjs=(e,t)=>()=>{try{return t||e((t={exports:{}}).exports,t),t.exports}catch(r){throw t=0,r}};"
)
CORE = (
    'var core=cjs((a,b)=>{"use strict";b.exports={register(list){},q:/[)}/\\]]/.test(")}"),t:`)${deep({a:"}"})}}`}});'
)
DEEP = "function helper(){return deep()}var made=es(()=>{deep()});"
MODULES = {
    "core": CORE,
    "deep": 'var deep=cjs((a,b)=>{"use strict";/* ) */b.exports=x=>x\n// }\n});',
    "helper": DEEP,
    "bar": 'var bar=cjs((a,b)=>{"use strict";made();b.exports={moduleType:"trace",name:"bar"}});',
    "bars": 'var bars=cjs((a,b)=>{"use strict";b.exports=bar()});',
    "pie": 'var pie=cjs((a,b)=>{"use strict";slice();b.exports={moduleType:"trace",name:"pie"}});',
    "slice": "var slice=cjs((a,b)=>{b.exports=4/2/1});",
}
TAIL = "var all=cjs((a,b)=>{var c=core();c.register([bars(),pie()]);b.exports=c});return all()})();"
BUNDLE = HEAD + "".join(MODULES.values()) + TAIL


def test_what_no_kept_trace_calls_is_left_out() -> None:
    kept = [text for name, text in MODULES.items() if name not in {"pie", "slice"}]
    expected = HEAD + "".join(kept) + TAIL.replace("bars(),pie()", "bars()")
    assert without_unused(BUNDLE, {"bar"}) == expected
    without_bars = [text for name, text in MODULES.items() if name in {"core", "pie", "slice"}]
    assert without_unused(BUNDLE, {"pie"}) == HEAD + "".join(without_bars) + TAIL.replace("bars(),pie()", "pie()")


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ("exports:{}", "exports:[]"),  # no helper of CommonJS modules
        ("(e=0)", "(0)"),  # none of ES modules
        ("c.register([bars(),pie()])", "c.register(bars())"),
        ('name:"bar"', 'name:"bars"'),
        ("b.exports=x=>x", "b.exports=(x=>x"),
        ('deep({a:"}"})}}`', 'deep({a:"}"})}}'),
        ("b.exports=bar()", "var bars=cjs((a,b)=>{});b.exports=bar()"),
    ],
)
def test_a_bundle_of_another_layout_is_kept_whole(there: str, instead: str) -> None:
    assert there in BUNDLE
    other = BUNDLE.replace(there, instead)
    assert without_unused(other, {"bar"}) == other


def test_the_installed_bundle_is_cut_to_the_traces_that_the_pages_draw() -> None:
    whole = get_plotlyjs()
    cut = without_unused(whole)
    assert len(cut) < len(whole) / 3
    kinds = set(re.findall(r'moduleType:"trace",name:"(\w+)"', whole))
    assert kinds & TRACES == TRACES
    folder = Path(mbcost.report.__file__).parent
    text = "".join(path.read_text() for path in folder.rglob("*") if path.suffix in {".py", ".js"})
    drawn = set(re.findall(r'\btype"?: "(\w+)"', text)) & kinds
    assert drawn == TRACES | {"scatter"}
