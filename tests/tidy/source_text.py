"""C++ text as the structure test sees it: without comments and literals, and cut into functions."""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/'  # comments
    r'|R"([^()\\\s]{0,16})\(.*?\)\1"'  # raw strings
    r'|"(?:\\.|[^"\\\n])*"'  # strings
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",  # characters, but not the digit separator of 1'000
    re.DOTALL,
)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments_and_literals(text):
    """The same text with every comment and literal blanked; line and column numbers stay."""

    def replace(match):
        token = match.group(0)
        if token.startswith(("//", "/*")):
            return _blank(token)
        return token[0] + _blank(token[1:-1]) + token[-1]

    return _TOKEN.sub(replace, text)


def without_comments(text):
    """The same text with every comment blanked; literals (as in #include "x") stay."""

    def replace(match):
        token = match.group(0)
        return _blank(token) if token.startswith(("//", "/*")) else token

    return _TOKEN.sub(replace, text)


def comments(text):
    """Yields (line number, text) of each comment."""
    for match in _TOKEN.finditer(text):
        if match.group(0).startswith(("//", "/*")):
            yield line_of(text, match.start()), match.group(0)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def includes(text):
    """Yields (line number, path) of each #include."""
    pattern = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]', re.MULTILINE)
    for match in pattern.finditer(without_comments(text)):
        yield line_of(text, match.start()), match.group(1)


@dataclass
class Function:
    name: str
    first_line: int
    last_line: int

    @property
    def lines(self):
        return self.last_line - self.first_line + 1


def _without_preprocessor(code):
    return re.sub(
        r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: _blank(m.group(0)), code, flags=re.MULTILINE
    )


def _matching_brace(code, start):
    depth = 0
    for match in re.compile(r"[{}]").finditer(code, start):
        depth += 1 if match.group(0) == "{" else -1
        if depth == 0:
            return match.start()
    return len(code) - 1


def _is_scope(head):
    head = re.sub(r"\btemplate\s*<[^{}]*>", " ", head)
    if re.search(r'\b(namespace|extern)\b', head) and "(" not in head:
        return True
    return bool(re.match(r"\s*(typedef\s+)?(class|struct|union|enum)\b", head)) and not re.search(
        r"\)\s*(const|noexcept|override|final|&|->[^{}]*)*\s*$", head
    )


def _is_function(head):
    if "(" not in head:
        return False
    depth = 0
    for position, character in enumerate(head):
        depth += {"(": 1, ")": -1, "<": 1, ">": -1}.get(character, 0)
        if character == "=" and depth <= 0 and "operator" not in head[:position]:
            return False  # the initializer of a variable
    return True


def _name_of(head):
    match = re.search(r"([~\w:]+|operator\s*\S+)\s*\(([^()]*)", head)
    if not match:
        return head.strip()[:40]
    name = match.group(1)
    if name.startswith("TEST"):
        name += "(" + " ".join(match.group(2).split()) + ")"
    return name


def functions(text):
    """The functions with a body, at namespace or class scope. Lambdas count as their function."""
    code = _without_preprocessor(without_comments_and_literals(text))
    found = []
    head_start = 0
    position = 0
    while position < len(code):
        character = code[position]
        if character in ";}":
            head_start = position + 1
        elif character == "{":
            head = code[head_start:position]
            if _is_scope(head):
                head_start = position + 1
            else:
                end = _matching_brace(code, position)
                rest = code[end + 1 : end + 200].lstrip()
                in_initializer_list = _is_function(head) and rest[:1] in (",", "{")
                if not in_initializer_list:
                    if _is_function(head):
                        start = head_start + len(head) - len(head.lstrip())
                        first, last = line_of(code, start), line_of(code, end)
                        found.append(Function(_name_of(head), first, last))
                    head_start = end + 1
                position = end
        elif character == ":" and re.search(r"\b(public|private|protected)\s*$",
                                            code[head_start:position]):
            head_start = position + 1
        position += 1
    return found
