"""The page of the Python API, from the source of what `temper` exports: signatures and docstrings, nothing imported."""

import ast
from collections.abc import Iterator
from pathlib import Path

import temper
from docs.reference.markdown import prose

ROOT = Path(__file__).resolve().parents[2]
# Of the parameters in one line.
MAX_COLUMNS = 60
Function = ast.FunctionDef | ast.AsyncFunctionDef
INTRODUCTION = """# Python API

What `import temper` gives. Names are imported when they are first used, so `import temper` is immediate.
[The library](../library.md) begins with an example; [Errors and messages](messages.md) lists what can go wrong.
Everything else in the package may change without notice.
"""


def page() -> str:
    """The page as Markdown: functions, then classes with their public members."""
    nodes = [definition(name) for name in sorted(temper._MODULES, key=lambda name: (name != "load", name))]
    return "\n".join([INTRODUCTION, *(line for node in nodes for line in section(node))])


def definition(name: str) -> ast.ClassDef | Function:
    """Where a name that `temper` exports is defined; follows imports."""
    module = temper._MODULES[name]
    while True:
        tree = ast.parse(_file_of(module).read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.ClassDef | Function) and node.name == name:
                return node
        module = next(
            str(node.module)
            for node in tree.body
            if isinstance(node, ast.ImportFrom) and name in [alias.name for alias in node.names]
        )


def section(node: ast.ClassDef | Function) -> Iterator[str]:
    """A function, or a class with its public methods, properties and fields."""
    title = f"## `temper.{node.name}`\n"
    if isinstance(node, Function):
        yield f"{title}\n{described(node, f'temper.{node.name}')}"
        return
    fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
    yield f"{title}\n{prose(ast.get_docstring(node) or '', [ast.unparse(each.target) for each in fields])}\n"
    if fields:
        yield "```python\n" + "\n".join(map(ast.unparse, fields)) + "\n```\n"
    for member in node.body:
        if isinstance(member, Function) and (member.name == "__call__" or not member.name.startswith("_")):
            called = f"{node.name}(…)" if member.name == "__call__" else f"{node.name}.{member.name}"
            yield f"### `{called}`\n\n{described(member, call_of(node, member))}"


def call_of(node: ast.ClassDef, member: Function) -> str:
    """How a member is called; empty for a property."""
    decorators = [ast.unparse(each) for each in member.decorator_list]
    if any(each.endswith("property") for each in decorators):
        return ""
    of = node.name if "classmethod" in decorators else node.name.lower()
    return of if member.name == "__call__" else f"{of}.{member.name}"


def described(node: Function, call: str) -> str:
    """The signature, or the type of a property, and the docstring."""
    names = [each.arg for each in (*node.args.args, *node.args.kwonlyargs)]
    text = prose(ast.get_docstring(node) or "", names)
    returns = ast.unparse(node.returns).strip("'") if node.returns else "None"
    if not call:
        return f"A property: `{returns}`. {text}\n"
    return f"```python\n{call}({parameters(node)}) -> {returns}\n```\n\n{text}\n"


def parameters(node: Function) -> str:
    """The parameters of a function without `self` and `cls`; each on a line of its own, where one line is too long."""
    given = node.args
    positional = [*given.posonlyargs, *given.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(given.defaults))
    pairs = [*zip(positional, [*missing, *given.defaults], strict=True)]
    names = [_parameter(each, value) for each, value in pairs if each.arg not in ("self", "cls")]
    if given.kwonlyargs:
        names += ["*", *map(_parameter, given.kwonlyargs, given.kw_defaults)]
    one_line = ", ".join(names)
    return one_line if len(one_line) <= MAX_COLUMNS else "\n    " + ",\n    ".join(names) + ",\n"


def _parameter(each: ast.arg, value: ast.expr | None) -> str:
    return ast.unparse(each) + (f" = {ast.unparse(value)}" if value else "")


def _file_of(module: str) -> Path:
    path = ROOT / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
