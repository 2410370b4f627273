"""The rules of the structure test. Each takes a Tree and yields Violations."""

import re
from dataclasses import dataclass

import layers
import source_text

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 100

CODE_SUFFIXES = (".h", ".cc", ".capnp", ".py", ".sh", ".cmake", "CMakeLists.txt")
SCRIPTS = ("quickstart", "test", ".ci/run")


@dataclass(frozen=True)
class Violation:
    path: str
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}"


class Tree:
    """The files of the project: path from its root -> text."""

    def __init__(self, files):
        self.files = dict(files)

    def cpp(self):
        return {p: t for p, t in self.files.items() if p.endswith((".h", ".cc"))}

    def code(self):
        return {
            p: t for p, t in self.files.items() if p.endswith(CODE_SUFFIXES) or p in SCRIPTS
        }


# --- the dependency rules ------------------------------------------------------------------------


def arrows_point_as_drawn(tree):
    """Rule 1: a part includes only what the table in ARCHITECTURE.md allows."""
    for path, text in tree.cpp().items():
        layer = layers.layer_of(path)
        if layer in (None, "tests"):
            continue
        for line, included in source_text.includes(text):
            target = layers.layer_of(included)
            if target and target not in layers.MAY_INCLUDE[layer]:
                yield Violation(path, line, f"{layer} must not include {included} ({target})")


_PURE_INCLUDES = re.compile(
    r"^(zmq|capnp|kj|spdlog|fmt|CLI|toml|nlohmann|sys|unistd|poll|time\.h|pthread|stdio|cstdio"
    r"|ctime|thread|mutex|shared_mutex|condition_variable|future|atomic|random|filesystem"
    r"|iostream|fstream|sstream|ostream|istream|iomanip|csignal)\b"
)
_PURE_TOKENS = [
    (r"\bzmq", "zmq"),
    (r"\b(capnp|kj)\s*::", "capnp"),
    (r"\bspdlog", "spdlog"),
    (r"\b(steady_clock|system_clock|high_resolution_clock|utc_clock)\b", "a clock"),
    (r"\b(clock_gettime|gettimeofday|localtime|gmtime)\b", "a clock"),
    (r"(?<![\w.>])(std\s*::\s*)?time\s*\(\s*(NULL|nullptr|0|&)", "a clock"),
    (r"\bstd\s*::\s*j?thread\b", "a thread"),
    (r"\bthis_thread\b", "a thread"),
    (r"\b(pthread_\w+|std\s*::\s*async)\b", "a thread"),
    (r"\b(std\s*::\s*(\w+_)?mutex|lock_guard|unique_lock|scoped_lock|condition_variable)\b",
     "a mutex"),
    (r"\bthread_local\b", "a thread"),
    (r"\brandom_device\b", "a random device"),
    (r"(?<![\w.>])(std\s*::\s*)?(s?rand|getrandom|random)\s*\(", "a random source"),
    (r"\b(secure_)?getenv\b", "getenv"),
    (r"\bstd\s*::\s*(cout|cerr|clog|cin|\w*stream)\b", "a stream"),
    (r"(?<![\w.>])(std\s*::\s*)?(f|s|sn)?printf\s*\(", "printf"),
]


def pure_parts_stay_pure(tree):
    """Rule 2: no I/O, clock, thread, lock, randomness or environment in the pure parts."""
    for path, text in tree.cpp().items():
        if layers.layer_of(path) not in layers.PURE:
            continue
        for line, included in source_text.includes(text):
            if _PURE_INCLUDES.match(included):
                yield Violation(path, line, f"a pure part must not include <{included}>")
        code = source_text.without_comments_and_literals(text)
        for pattern, what in _PURE_TOKENS:
            for match in re.finditer(pattern, code):
                line = source_text.line_of(code, match.start())
                yield Violation(path, line, f"a pure part must not name {what}")


_UNORDERED = re.compile(r"\bunordered_(?:multi)?(?:map|set)\s*<")


def _after_template_arguments(code, start):
    depth = 0
    for match in re.compile(r"[<>;{}]").finditer(code, start):
        if match.group(0) in ";{}":
            return None
        depth += 1 if match.group(0) == "<" else -1
        if depth == 0:
            return match.end()
    return None


def _unordered_names(code):
    """Names of variables and type aliases of unordered containers that this text declares."""
    types, names = set(), set()
    for match in _UNORDERED.finditer(code):
        end = _after_template_arguments(code, match.end() - 1)
        alias = re.search(r"\busing\s+(\w+)\s*=\s*(?:std\s*::\s*)?$", code[: match.start()])
        if alias:
            types.add(alias.group(1))
        elif end is not None:
            name = re.match(r"[\s&*]*(\w+)", code[end:])
            if name:
                names.add(name.group(1))
    for alias in types:
        names.update(re.findall(rf"\b{alias}\b[\s&*]+(\w+)", code))
    return names


def no_unordered_iteration(tree):
    """Rule 2: the order in which an unordered container is walked must not reach an output."""
    declared = {}
    for path, text in tree.cpp().items():
        if layers.layer_of(path) in layers.PURE:
            code = source_text.without_comments_and_literals(text)
            declared[path] = (code, _unordered_names(code))
    for path, (code, own) in declared.items():
        names = set(own)
        for _, included in source_text.includes(tree.files[path]):
            names |= declared.get(included, ("", set()))[1]
        for name in sorted(names):
            walk = rf"\bfor\s*\([^;()]*:\s*[^;()]*\b{name}\s*\)|\b{name}\s*(?:\.|->)\s*c?begin\s*\("
            for match in re.finditer(walk, code):
                line = source_text.line_of(code, match.start())
                yield Violation(path, line, f"iterates over the unordered container {name}")


_LIBRARIES = {
    # library: (includes, tokens, paths where it may appear)
    "Cap'n Proto": (
        r"^(capnp|kj)/|\.capnp\.h$",
        r"\b(capnp|kj)\s*::",
        r"^groupcomm/wire/",
    ),
    "ZeroMQ": (
        r"^zmq(\.hpp|\.h|_addon\.hpp)$",
        r"\bzmq\s*::|\bzmq_\w+\s*\(|\bZMQ_[A-Z]",
        r"^(daemon/host|groupcomm)/(\w*socket\w*|peer_links|zmq_\w+)\.(h|cc)$",
    ),
    "spdlog": (r"^spdlog/", r"\bspdlog\s*::", r"^daemon/host/"),
    "toml++": (r"^toml", r"\btoml\s*::", r"^daemon/host/"),
    "CLI11": (r"^CLI/", r"\bCLI\s*::", r"^daemon/(host|ctl)/"),
    "nlohmann-json": (r"^nlohmann/", r"\bnlohmann\s*::", r"^daemon/ctl/"),
}


def libraries_stay_in_their_place(tree):
    """Rule 3: capnp only in groupcomm/wire, zmq only in the socket files, the rest likewise."""
    for path, text in tree.cpp().items():
        if layers.layer_of(path) in (None, "tests"):
            continue
        code = source_text.without_comments_and_literals(text)
        for library, (include, token, allowed) in _LIBRARIES.items():
            if re.search(allowed, path):
                continue
            for line, included in source_text.includes(text):
                if re.search(include, included):
                    yield Violation(path, line, f"{library} must not appear here")
            for match in re.finditer(token, code):
                line = source_text.line_of(code, match.start())
                yield Violation(path, line, f"{library} must not appear here")


_HIDDEN = re.compile(r"^(zmq|capnp/|kj/|spdlog/|toml|CLI/|nlohmann/)|\.capnp\.h$")


def public_headers_show_no_library(tree):
    """Rule 4: what an application includes drags in nothing but the standard library."""
    for path, text in tree.cpp().items():
        if not path.startswith("groupcomm/") or not path.endswith(".h"):
            continue
        internal = path.startswith("groupcomm/wire/")
        if internal and not path.endswith("codec.h"):
            continue
        for line, included in source_text.includes(text):
            if _HIDDEN.search(included):
                yield Violation(path, line, f"a public header must not include {included}")
        code = source_text.without_comments_and_literals(text)
        for match in re.finditer(r"\b(zmq|capnp|kj|spdlog|toml)\s*::", code):
            line = source_text.line_of(code, match.start())
            yield Violation(path, line, f"a public header must not name {match.group(1)}")


# --- the size rules ------------------------------------------------------------------------------


def files_are_small(tree):
    for path, text in tree.code().items():
        lines = text.count("\n")
        if lines > FILE_LINES_MAX:
            yield Violation(path, 1, f"{lines} lines; at most {FILE_LINES_MAX}")


def functions_are_small(tree):
    for path, text in tree.cpp().items():
        for function in source_text.functions(text):
            if function.lines > FUNCTION_LINES_MAX:
                yield Violation(
                    path,
                    function.first_line,
                    f"{function.name} has {function.lines} lines; at most {FUNCTION_LINES_MAX}",
                )


def lines_are_short(tree):
    for path, text in tree.code().items():
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > LINE_COLUMNS_MAX:
                yield Violation(path, number, f"{len(line)} columns; at most {LINE_COLUMNS_MAX}")


# --- the rest ------------------------------------------------------------------------------------

# Written in two pieces so that this file obeys its own rule.
_OPEN_END = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b(?!\([a-z]*#?\d+\):)")


def open_ends_name_an_issue(tree):
    for path, text in tree.files.items():
        for match in _OPEN_END.finditer(text):
            line = source_text.line_of(text, match.start())
            yield Violation(path, line, f"{match.group(0)} without an issue, as in (#12):")


def headers_are_guarded(tree):
    for path, text in tree.cpp().items():
        if path.endswith(".h") and "#pragma once" not in text:
            yield Violation(path, 1, "a header without #pragma once")


def text_is_clean(tree):
    for path, text in tree.files.items():
        if text and not text.endswith("\n"):
            yield Violation(path, text.count("\n") + 1, "no newline at the end")
        for match in re.finditer(r"[ \t]+$", text, re.MULTILINE):
            line = source_text.line_of(text, match.start())
            yield Violation(path, line, "white space at the end of the line")
        if path.endswith((".h", ".cc", ".py", ".md")) and "\t" in text:
            yield Violation(path, source_text.line_of(text, text.index("\t")), "a tab")


def tests_do_not_sleep(tree):
    """A test waits for an event. The unit tests run in virtual time and never wait at all."""
    pattern = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|time\s*\.\s*sleep)\b")
    for path, text in tree.files.items():
        if path.startswith("tests/tidy/") or not path.endswith((".h", ".cc", ".py")):
            continue
        for match in pattern.finditer(source_text.without_comments(text)):
            line = source_text.line_of(text, match.start())
            yield Violation(path, line, f"{match.group(0)}: wait for an event instead")


# --- code and documents agree --------------------------------------------------------------------


# Where the rules are that each folder cites: the checkers cite properties, all others rules.
_RULE_DOCUMENTS = [
    ("daemon/verify/", "docs/SEMANTICS.md"),
    ("daemon/ctl/", "docs/SEMANTICS.md"),
    ("", "docs/PROTOCOL.md"),
]

_CITATION = re.compile(r"(?<![\[\w.\-/\"'{])([C-GL-PR-W]\d{1,2})(?![\w\-\"'}])")


def cited_rules_exist(tree):
    """A rule in a comment, as "rule O3" or "(U1)", stands in the document that its folder cites."""
    for path, text in tree.cpp().items():
        if layers.layer_of(path) == "tests":
            continue
        document = next(d for prefix, d in _RULE_DOCUMENTS if path.startswith(prefix))
        known = set(re.findall(r"^(?:- |\| )\*\*([A-Z]\d{1,2})\*\*",
                               tree.files.get(document, ""), re.MULTILINE))
        for line, comment in source_text.comments(text):
            for cited in _CITATION.findall(comment):
                if cited not in known:
                    yield Violation(path, line, f"{document} has no rule {cited}")


def every_message_is_documented(tree):
    """Each alternative of the wire protocols' variants stands in docs/PROTOCOL.md."""
    document = tree.files.get("docs/PROTOCOL.md", "")
    for path in ("groupcomm/protocol/client_frames.h", "groupcomm/protocol/peer_frames.h"):
        code = source_text.without_comments_and_literals(tree.files.get(path, ""))
        for match in re.finditer(r"using \w+\s*=\s*std::variant<([^;]*)>;", code):
            line = source_text.line_of(code, match.start())
            for name in re.findall(r"\w+", match.group(1)):
                if f"`{name}`" not in document:
                    yield Violation(path, line, f"docs/PROTOCOL.md does not describe `{name}`")


RULES = [
    arrows_point_as_drawn,
    pure_parts_stay_pure,
    no_unordered_iteration,
    libraries_stay_in_their_place,
    public_headers_show_no_library,
    files_are_small,
    functions_are_small,
    lines_are_short,
    open_ends_name_an_issue,
    headers_are_guarded,
    text_is_clean,
    tests_do_not_sleep,
    cited_rules_exist,
    every_message_is_documented,
]
