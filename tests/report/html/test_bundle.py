"""Plotly's bundle is cut down to what the pages draw, or kept whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

import mbcost.report
from mbcost.report.html.bundle import TRACES, without_unused

#: A bundle as esbuild lays it out, with what makes brackets hard to count; `|` marks where parentheses come.
UNIVERSAL = "(\n function(root, factory) {root.x = factory();} (self, () => {\n"
HELPERS = (
    '"use strict";var Plotly=(()=>{var es=(e,t,r)=>()=>{if(r)throw r[0];return e&&(t=e(e=0)),t};'
    "var cjs=(e,t)=>()=>{try{return t||e((t={exports:{}}).exports,t),t.exports}catch(r){throw t=0,r}};"
)
MODULES = {
    "core": 'var core=cjs(|(a,b)=>{"use strict";b.exports={q:/[)}/\\]]/.test(")}"),t:`)${deep({a:"}"})}}`}}|);',
    "deep": 'var deep=cjs(|(a,b)=>{"use strict";/* ) */b.exports=x=>x\n// }\n}|);',
    "helper": "function helper(){return deep()}var made=es(()=>{deep()});",
    "bar": 'var bar=cjs(|(a,b)=>{"use strict";made();b.exports={moduleType:"trace",name:"bar"}}|);',
    "bars": 'var bars=cjs(|(a,b)=>{"use strict";b.exports=bar()}|);',
    "pie": 'var pie=cjs(|(a,b)=>{"use strict";slice();b.exports={moduleType:"trace",name:"pie"}}|);',
    "slice": "var slice=cjs(|(a,b)=>{b.exports=4/2/1}|);",
}
LAST = "var all=cjs((a,b)=>{var c=core();c.register([bars(),pie()]);b.exports=c});return all()})();"
RETURN = "\nwindow.Plotly = Plotly;\nreturn Plotly;\n}));"
BUNDLE = "/* licence */\n" + UNIVERSAL + HELPERS + "".join(MODULES.values()).replace("|", "") + LAST + RETURN


@pytest.mark.parametrize(
    ("trace", "names", "registered"),
    [("bar", {"core", "deep", "helper", "bar", "bars"}, "bars()"), ("pie", {"core", "pie", "slice"}, "pie()")],
)
def test_what_no_kept_trace_calls_is_left_out(trace: str, names: set[str], registered: str) -> None:
    kept = "".join(text.replace("(|", "((").replace("|)", "))") for name, text in MODULES.items() if name in names)
    last = LAST.replace("bars(),pie()", registered)
    assert without_unused(BUNDLE, {trace}).split() == f"/* licence */ {HELPERS}{kept}{last}".split()


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
