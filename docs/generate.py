"""Writes the generated parts of the documentation, or checks that they are current.

A page holds `<!-- begin WHAT … -->` and `<!-- end -->`; what stands between them comes from the settings model and the
servers' declarations. Chinese texts stand in
`texts.yaml`.

    uv run python docs/generate.py            write
    uv run python docs/generate.py --check    change nothing; exit 1 if a page is not current
"""

from __future__ import annotations

import argparse
import ast
import importlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from volcengine_audit.sigma.prebuilt import FOLDER, built_in
from volcengine_mcp.declare import Action, Operation, Service, Tool
from volcengine_mcp.schema import input_schema
from volcengine_mcp.settings.load import leaves, variable
from volcengine_mcp.settings.model import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README*.md", "docs/*.md", "server/*/README*.md")
MARKED = re.compile(r"^```.*?^```$|^(<!-- begin ([a-z ._-]+) -->\n).*?^(<!-- end -->)$", re.DOTALL | re.MULTILINE)
"""A marked part, or a fenced example, in which a marker is only shown."""

WORDS = {
    "File": "文件",
    "Owns": "职责",
    "Setting": "配置项",
    "Variable": "环境变量",
    "Values": "取值",
    "Default": "默认值",
    "Meaning": "说明",
    "Tool": "工具",
    "Title": "名称",
    "Effect": "影响",
    "Permissions": "所需权限",
    "Group": "分组",
    "What it does": "用途",
    "Argument": "参数",
    "Required": "必填",
    "read": "只读",
    "write": "写入",
    "destroy": "删除",
    "yes": "是",
    "text": "文本",
    "list": "列表",
    "number": "数字",
    "whole number": "整数",
    "names and choices": "名称与取值",
    "list of": "列表，元素为",
    "object": "对象",
    "or": "或",
    "up to": "不大于",
    "from": "不小于",
    "more than 0": "大于 0",
    "No arguments.": "没有参数。",
    "Rule": "规则",
    "Level": "级别",
    "Technique": "技术",
    "What to do": "处理建议",
    "initial-access": "初始访问",
    "execution": "执行",
    "persistence": "持久化",
    "privilege-escalation": "权限提升",
    "stealth": "隐蔽",
    "defense-impairment": "削弱防御",
    "credential-access": "凭证访问",
    "discovery": "发现",
    "lateral-movement": "横向移动",
    "collection": "收集",
    "exfiltration": "数据外泄",
    "impact": "影响",
    "escalators": "提升级别的规则",
}


class DocumentationError(Exception):
    """Something that the pages need is missing; the message says what."""


@cache
def services() -> dict[str, Service]:
    """Every server of this repository, by its key."""
    folders = sorted(path.parent for path in ROOT.glob("server/*/pyproject.toml"))
    found = [importlib.import_module(f"{folder.name}.server").service() for folder in folders]
    return {service.key: service for service in found}


@cache
def texts() -> dict[str, Any]:
    """What the code does not say itself."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "texts.yaml").read_text(encoding="utf-8"))
    return loaded


def check_texts() -> None:
    """Every text is there, and none is left over from something that is gone.

    Raises:
        DocumentationError: which texts are missing or left over.
    """
    operations = {
        operation.wire_name(): operation for service in services().values() for operation in service.operations
    }
    wanted = {
        "settings": {path for service in services().values() for path in leaves(service.settings)},
        "tools": set(operations),
    }
    problems = []
    for kind, names in wanted.items():
        given = set(texts()[kind])
        problems += [f"docs/texts.yaml lacks {kind}: {name}" for name in sorted(names - given)]
        problems += [f"docs/texts.yaml has {kind}: {name}, which is gone" for name in sorted(given - names)]
    if problems:
        raise DocumentationError("\n".join(problems))


def permissions(operation: type[Operation]) -> list[str]:
    """The permissions that a tool needs, as an IAM policy names them."""
    if issubclass(operation, Action):
        return [operation.permission()]
    if issubclass(operation, Tool):
        return sorted(action.permission() for action in operation.uses)
    raise DocumentationError(f"{operation.wire_name()} is neither an action nor a tool.")


def _settings(part: str, language: str) -> Iterator[str]:
    """The table of `common` settings, of `oauth`, or of those that one server adds."""
    model = services()[part].settings if part in services() else Settings
    fields = leaves(model)
    if part == "oauth":
        fields = {path: field for path, field in fields.items() if path.startswith("oauth.")}
    else:
        fields = {path: field for path, field in fields.items() if not path.startswith("oauth.")}
    if part in services():
        common = leaves(Settings)
        fields = {path: field for path, field in fields.items() if path not in common}
    schema = model.model_json_schema()
    shapes = schema["properties"] | {f"oauth.{name}": it for name, it in schema["$defs"]["OAuth"]["properties"].items()}
    rows = []
    for path, field in fields.items():
        name = variable(path, field)
        rows.append(
            (
                f"`{path}`",
                f"`{name}`" if name else "–",
                _kind(shapes[path], language),
                _default(shapes[path].get("default")),
                texts()["settings"][path] if language == "zh" else field.description or "",
            )
        )
    return _table(("Setting", "Variable", "Values", "Default", "Meaning"), rows, language)


def _tools(key: str, language: str) -> Iterator[str]:
    """One line a tool."""
    rows = [
        (
            f"`{operation.wire_name()}`",
            operation.zh if language == "zh" else operation.en,
            _word(operation.effect, language),
            _purpose(operation, language, short=True),
        )
        for operation in services()[key].operations
    ]
    return _table(("Tool", "Title", "Effect", "What it does"), rows, language)


def _details(key: str, language: str) -> Iterator[str]:
    """A section a tool: what it is for, what it needs, its arguments."""
    for operation in services()[key].operations:
        yield from (f"### {operation.wire_name()}", "")
        yield from (f"{operation.zh} · {operation.en}", "", _purpose(operation, language), "")
        needed = ", ".join(f"`{name}`" for name in permissions(operation))
        facts = {"Effect": _word(operation.effect, language), "Group": f"`{operation.toolset}`", "Permissions": needed}
        colon = "：" if language == "zh" else ": "
        yield from (*(f"- {_word(name, language)}{colon}{fact}" for name, fact in facts.items()), "")
        yield from _arguments(operation, language)
        yield ""


def _arguments(operation: type[Operation], language: str) -> Iterator[str]:
    rows = [
        (
            f"`{path}`",
            _word("yes", language) if required else "",
            _kind(schema, language),
            _default(schema.get("default")),
            schema.get("description", ""),
        )
        for path, schema, required in _properties(input_schema(operation))
    ]
    if not rows:
        return iter((_word("No arguments.", language),))
    return _table(("Argument", "Required", "Values", "Default", "Meaning"), rows, language)


def _properties(schema: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Every property at any depth with its path, such as `LookupConditions[].LookupConditionKey`."""
    for name, inner in schema.get("properties", {}).items():
        path = before + name
        yield path, inner, name in schema.get("required", ())
        yield from _properties(inner, f"{path}.")
        yield from _properties(inner.get("items", {}), f"{path}[].")


def _permissions(key: str, language: str) -> Iterator[str]:
    """The actions for an IAM policy: those for reading, and what writing needs besides."""
    del language
    needed: dict[str, list[str]] = {"read": [], "write": []}
    for operation in services()[key].operations:
        needed["read" if operation.effect == "read" else "write"] += permissions(operation)
    read = sorted(set(needed["read"]))
    yield "```json"
    yield "{"
    yield '  "Statement": ['
    yield from _statement(read, last=not needed["write"])
    if more := sorted(set(needed["write"]) - set(read)):
        yield from _statement(more, last=True)
    yield "  ]"
    yield "}"
    yield "```"


def _statement(actions: Sequence[str], *, last: bool) -> Iterator[str]:
    yield "    {"
    yield '      "Effect": "Allow",'
    yield '      "Action": ['
    yield from (f'        "{name}"{"," if name != actions[-1] else ""}' for name in actions)
    yield "      ],"
    yield '      "Resource": ["*"]'
    yield "    }" + ("" if last else ",")


def _detections(about: str, language: str) -> Iterator[str]:
    """The rules of one folder: what each means, and what to do."""
    rows = [
        (
            f"[`{rule.name}`](../{path.relative_to(ROOT).as_posix()})",
            f"{rule.level}{'' if rule.escalates and not rule.raises else ' †'}",
            ", ".join(
                f"[{one}](https://attack.mitre.org/techniques/{one.replace('.', '/')}/)" for one in rule.techniques
            ),
            f"**{rule.zh.title}**：{rule.zh.description}"
            if language == "zh" and rule.zh
            else f"**{rule.title}{'' if rule.title.endswith('?') else '.'}** {rule.description}",
            rule.zh.advice if language == "zh" and rule.zh else rule.advice,
        )
        for path, rule in built_in()
        if path.parent.name == about
    ]
    return _table(("Rule", "Level", "Technique", "Meaning", "What to do"), rows, language)


def _purpose(operation: type[Operation], language: str, *, short: bool = False) -> str:
    """What a tool is for: in Chinese our own line, in English what a model reads, or its first sentence."""
    if language == "zh":
        text: str = texts()["tools"][operation.wire_name()]
        return text
    whole = " ".join((operation.__doc__ or "").split())
    return re.split(r"(?<=[.?]) (?=[A-Z])", whole)[0] if short else whole


def _kind(schema: Mapping[str, Any], language: str) -> str:
    """The values that a JSON schema allows, in words."""
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "anyOf" in schema:
        kinds = [_kind(choice, language) for choice in schema["anyOf"] if choice != {"type": "null"}]
        return f" {_word('or', language)} ".join(dict.fromkeys(kinds))
    match schema.get("type"):
        case "boolean":
            return "`true`, `false`"
        case "integer" | "number":
            return _numbers(schema, language)
        case "array":
            inner = schema.get("items", {})
            plain = inner.get("type") == "string" and "enum" not in inner
            return _word("list", language) if plain else f"{_word('list of', language)} {_kind(inner, language)}"
        case "object" if "properties" not in schema and schema.get("additionalProperties"):
            return _word("names and choices", language)
        case "object":
            return _word("object", language)
        case _:
            return _word("text", language)


def _numbers(schema: Mapping[str, Any], language: str) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{low}–{high}"
    if "exclusiveMinimum" in schema:
        words = _word("more than 0", language)
        return words if high is None else f"{words}, {_word('up to', language)} {high}"
    if low is not None:
        return f"{_word('from', language)} {low}"
    return _word("whole number" if schema["type"] == "integer" else "number", language)


def _default(value: object) -> str:
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return f"`{value}`"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], language: str) -> Iterator[str]:
    yield "| " + " | ".join(_word(head, language) for head in heads) + " |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def _word(word: str, language: str) -> str:
    return WORDS[word] if language == "zh" else word


def _files(package: str, language: str) -> Iterator[str]:
    """Every module of a package, and what it owns: the first line of its docstring says it."""
    folder = sources()[package]
    rows = []
    for path in sorted(folder.rglob("*.py"), key=lambda path: (len(path.relative_to(folder).parts) > 1, path)):
        said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        name = path.relative_to(folder).as_posix()
        if not name.endswith("__init__.py"):
            rows.append([f"`{name}`", " ".join(said.partition("\n\n")[0].split())])
    yield from _table(["File", "Owns"], rows, language)


@cache
def sources() -> dict[str, Path]:
    """The source folder of every package of this repository, by its import name."""
    folders = (path.parent / "src" / path.parent.name for path in ROOT.glob("*/*/pyproject.toml"))
    return {folder.name: folder for folder in folders if folder.is_dir()}


PARTS = {
    "settings": _settings,
    "tools": _tools,
    "details": _details,
    "permissions": _permissions,
    "files": _files,
    "detections": _detections,
}


def generated(order: str) -> str:
    """What stands behind a marker such as `tools cloud-trail zh`.

    Raises:
        DocumentationError: there is no such part.
    """
    what, about, language, *rest = [*order.split(), "", "", ""]
    kinds = {"settings": {*services(), "common", "oauth"}, "files": sources()}
    known = (FOLDER / about).is_dir() if what == "detections" else about in kinds.get(what, services())
    part = PARTS.get(what)
    if part is None or not known or language not in ("en", "zh") or any(rest):
        raise DocumentationError(f"There is no generated part `{order}`.")
    return "\n".join(part(about, language)).rstrip("\n") + "\n"


def pages() -> Iterator[tuple[Path, str, str]]:
    """Every page: its path, its text, and what its text should be."""
    for pattern in PAGES:
        for page in sorted(ROOT.glob(pattern)):
            text = page.read_text(encoding="utf-8")
            yield page, text, MARKED.sub(_filled, text)


def _filled(found: re.Match[str]) -> str:
    return f"{found[1]}\n{generated(found[2])}\n{found[3]}" if found[2] else found[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or check them. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Write the generated parts of the documentation.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a page is not current")
    check = parser.parse_args(arguments).check
    try:
        check_texts()
        stale = [(page, current) for page, text, current in pages() if text != current]
    except DocumentationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for page, current in stale:
        name = page.relative_to(ROOT).as_posix()
        if check:
            sys.stderr.write(f"{name} is not current; run: uv run python docs/generate.py\n")
        else:
            page.write_text(current, encoding="utf-8", newline="\n")
            sys.stdout.write(f"wrote {name}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
