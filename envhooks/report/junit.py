"""for Jenkins and whatever else reads JUnit: a suite for each tag, a case for each check"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from envhooks.base.hygiene import printable, printable_block
from envhooks.judge.facts import Report, TagReport
from envhooks.report._faults import UNDECIDED, Fault, faults
from envhooks.report._look import Look

_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}
# What `printable` leaves standing and XML 1.0 does not know (its production 2, Char).
_NOT_XML = "[\ufffe\uffff]"


def render(report: Report, look: Look) -> str:
    """One document; a run that could not judge is a suite of its own with an error."""
    suites = [_suite(tag) for tag in report.tags]
    errors = list(faults(Report(errors=report.errors)))
    if errors:
        suites.insert(0, _counted("testsuite", "envhooks", [_broken("run", fault) for fault in errors]))
    root = _counted("testsuites", "envhooks", suites)
    if report.notes:
        last = suites[-1] if suites else SubElement(root, "testsuite", {"name": "envhooks", "tests": "0"})
        SubElement(last, "system-out").text = _text("\n".join(map(printable_block, report.notes)))
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(tag: TagReport) -> Element:
    return _counted("testsuite", _text(printable(tag.tag)), list(_cases(tag)))


def _cases(tag: TagReport) -> Iterator[Element]:
    found = [fault for fault in faults(Report((tag,))) if fault.rule != UNDECIDED]
    for check in sorted({*tag.passed, *tag.not_applicable, *tag.undecided, *(fault.rule for fault in found)}):
        case = _case(tag.tag, check)
        own = [fault for fault in found if fault.rule == check]
        for fault in own:
            if fault.level == "error":
                attributes = {"message": _text(fault.message), "type": fault.level}
                SubElement(case, "failure", attributes).text = _text(_lines(fault))
        if check in tag.undecided:
            unknown = tag.undecided[check]
            attributes = {"message": _text(printable(unknown.why)), "type": UNDECIDED}
            SubElement(case, "error", attributes).text = _text(printable_block(unknown.fix))
        elif check in tag.not_applicable and not own:
            SubElement(case, "skipped", {"message": _text(printable(tag.not_applicable[check]))})
        mild = [f"{fault.level}: {_lines(fault)}" for fault in own if fault.level != "error"]
        if mild:
            SubElement(case, "system-out").text = _text("\n".join(mild))
        yield case


def _broken(name: str, fault: Fault) -> Element:
    case = _case("envhooks", name)
    attributes = {"message": _text(fault.message), "type": UNDECIDED}
    SubElement(case, "error", attributes).text = _text(fault.text)
    return case


def _case(group: str, name: str) -> Element:
    return Element("testcase", {"classname": _text(printable(group)), "name": _text(printable(name))})


def _lines(fault: Fault) -> str:
    place = printable(fault.path) + (f":{fault.line}" if fault.line else "")
    return f"{place}: {fault.text}" if place else fault.text


def _counted(kind: str, name: str, parts: list[Element]) -> Element:
    element = Element(kind, {"name": name})
    cases = [case for part in parts for case in part.iter("testcase")]
    element.set("tests", str(len(cases)))
    for attribute, child in _COUNTED.items():
        element.set(attribute, str(sum(case.find(child) is not None for case in cases)))
    element.extend(parts)
    return element


def _text(text: str) -> str:
    return re.sub(_NOT_XML, lambda match: f"\\u{ord(match.group()):04x}", text)
