"""Whatever the text: the gate answers, and a lookup is found wherever it is put."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from remediation.playbooks import gate
from remediation.playbooks.tests.roles_table import CASES, Case

GOOD = [case for case in CASES if case.stopped_by == "none"]
SOME = settings(max_examples=120, deadline=None)
PIPE = "{{ lookup('pipe', 'touch /tmp/found') }}"
PIECES = st.sampled_from(
    ["{{", "}}", "{%", "%}", "{#", "#}", "'", '"', "|", ": ", "- ", "\n", "\n  ", "&a ", "*a", "!!x ", "<<: ", "[", "{",
     "---\n", "\t", "\r", "\x00", "\ud800", "\u2028", "%YAML 1.1\n", "\\", "# REVIEW", "absent", "lookup(", "__class__",
     "\ufeff", "..", "~", "0x"]
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> tuple[Case, dict[str, str]]:
    """A good role with up to six places cut out and something else put there."""
    case = draw(st.sampled_from(GOOD))
    files = dict(case.files)
    for _ in range(draw(st.integers(1, 6))):
        path = draw(st.sampled_from(sorted(files)))
        start = draw(st.integers(0, len(files[path])))
        end = draw(st.integers(start, min(len(files[path]), start + 40)))
        files[path] = files[path][:start] + draw(st.one_of(PIECES, st.text(max_size=8))) + files[path][end:]
    return case, files


@SOME
@given(mutated())
def test_a_mutated_role_gets_an_answer(given_role: tuple[Case, dict[str, str]]) -> None:
    case, files = given_role
    findings = gate.check(case.role, files, case.scope)
    assert all(each.line >= 1 and each.text and each.mend for each in findings)
    gate.marked(files)


@SOME
@given(st.dictionaries(st.sampled_from(sorted(GOOD[0].files)), st.text(max_size=300)), st.text(max_size=10))
def test_any_text_gets_an_answer(files: dict[str, str], name: str) -> None:
    assert gate.check(name, files, gate.Scope())
    gate.marked(files)


@SOME
@given(st.sampled_from(GOOD), st.data())
def test_a_lookup_is_found_wherever_it_stands(case: Case, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(case.files)))
    text = case.files[path]
    at = data.draw(st.integers(0, len(text)))
    files = {**case.files, path: text[:at] + PIPE + text[at:]}
    assert any(each.file == path for each in gate.check(case.role, files, case.scope))


@SOME
@given(st.text(alphabet="{}%#'\"|()[].,~+-*/<>=!ab_ 01\\\n", max_size=80))
def test_any_template_gets_an_answer(text: str) -> None:
    path = "templates/clean-tmp.conf.j2"
    gate.check(GOOD[0].role, {**GOOD[0].files, path: text}, GOOD[0].scope)
