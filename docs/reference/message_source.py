"""The messages of errors, from the source: every call `DataError(what, fix=...)`, with `…` for what is inserted."""

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from temper import errors
from temper.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("temper", "data", "train", "convert", "choose", "benchmarks", "infer")
KINDS: dict[str, type[UserError]] = {
    name: each for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, UserError)
}
INSERTED = "…"
# A message without a word of its own is a library's, or a sentence that is put together elsewhere.
WORD = re.compile(r"[^\W\d_]{2,}")
# The texts that a name may stand for.
Names = dict[str, list[str]]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, order=True)
class Message:
    """What an error says, and how to fix it: both may contain `…`."""

    kind: str
    what: str
    fix: str


@cache
def all_messages() -> tuple[Message, ...]:
    """Every message with words of its own, sorted."""
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in files]
    constants = {name: texts for tree in trees for name, texts in assigned(tree.body, {}).items() if name.isupper()}
    messages = {message for tree in trees for message in messages_of(tree, constants)}
    return tuple(sorted(each for each in messages if WORD.search(each.what)))


def messages_of(tree: ast.Module, constants: Names) -> Iterator[Message]:
    """The messages in a module. A name stands for a constant, for what its function assigns to it, or for an argument
    that a call in the same module gives."""
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for scope in (tree, *functions):
        own = list(_own(scope))
        local = {**constants, **assigned([each for each in own if isinstance(each, ast.stmt)], constants)}
        for given in arguments_of(scope, calls, constants) if isinstance(scope, Function) else [{}]:
            for call in (node for node in own if isinstance(node, ast.Call)):
                yield from _messages_of_call(call, {**local, **given})


def _messages_of_call(call: ast.Call, names: Names) -> Iterator[Message]:
    kind = called(call)
    if kind in KINDS and call.args:
        fixes = [each.value for each in call.keywords if each.arg == "fix"]
        remedies = texts(fixes[0], names) if fixes else [""]
        for what, fix in itertools.product(texts(call.args[0], names), remedies):
            yield Message(kind, what, fix)


def arguments_of(function: Function, calls: list[ast.Call], constants: Names) -> Iterator[Names]:
    """What each of these calls gives to the function, by the names of its parameters; defaults, if nothing calls it."""
    positional = [each.arg for each in function.args.args if each.arg not in ("self", "cls")]
    pairs = [
        *zip(reversed(function.args.args), reversed(function.args.defaults), strict=False),
        *zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True),
    ]
    defaults = {each.arg: texts(value, constants) for each, value in pairs if value}
    own = [call for call in calls if called(call) == function.name]
    for call in own:
        by_place = {name: texts(value, constants) for name, value in zip(positional, call.args, strict=False)}
        by_name = {each.arg: texts(each.value, constants) for each in call.keywords if each.arg}
        yield {**defaults, **by_place, **by_name}
    if not own:
        yield defaults


def texts(node: ast.expr, names: Names) -> list[str]:
    """The texts that an expression may give, `…` for what the source does not show.

    >>> texts(ast.parse("f'{path} is ' + ('old' if new else 'new')", mode="eval").body, {})
    ['… is old', '… is new']
    """
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=values):
            parts = [texts(each.value if isinstance(each, ast.FormattedValue) else each, names) for each in values]
            return [_joined(each) for each in itertools.product(*parts)]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [_joined(each) for each in itertools.product(texts(left, names), texts(right, names))]
        case ast.IfExp(body=body, orelse=orelse):
            return [*texts(body, names), *texts(orelse, names)]
        case ast.Name(id=name):
            return names.get(name, [INSERTED])
    return [INSERTED]


def assigned(body: list[ast.stmt], names: Names) -> Names:
    """The texts of the names that these statements assign; only those that are assigned once."""
    known: Names = {}
    repeated = set()
    for node in body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            repeated |= {name} & known.keys()
            known[name] = texts(node.value, {**names, **known})
    return {name: each for name, each in known.items() if name not in repeated}


def called(call: ast.Call) -> str:
    """The name of what is called, without the module or object that it belongs to."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function or module, without those of the functions in it."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, Function):
            yield child
            yield from _own(child)


def _joined(parts: tuple[str, ...]) -> str:
    return re.sub(rf"{INSERTED}(\s*{INSERTED})+", INSERTED, "".join(parts))
