import pytest

from consistency import frontmatter
from consistency.errors import ContentError

TEXT = '''title = "x"
[factors]
a = ["b", "c"]
[[exclude]]
a = ["b"]
[[exclude]]
a = ["c"]
[world.files]
"policy.md" = """
# not = "a key"
[nor a table]
"""
[controls.faithful]
steps = [
  { say = "one" },
  { say = "two" },
]
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("title",), 1),
        (("factors", "a"), 3),
        (("exclude", 0, "a"), 5),
        (("exclude", 1), 6),
        (("exclude", 1, "a"), 7),
        (("world", "files", "policy.md"), 9),
        (("controls", "faithful", "steps", 0), 15),
        (("controls", "faithful", "steps", 1, "say"), 16),
        (("no", "such", "place"), 1),
    ],
)
def test_every_place_has_its_line(place: tuple[str | int, ...], line: int) -> None:
    assert frontmatter.parse("a.toml", TEXT).line(*place) == line


def test_lines_inside_a_multiline_string_are_no_keys() -> None:
    lines = frontmatter.parse("a.toml", TEXT).lines
    assert set(lines.values()).isdisjoint({10, 11})


def test_the_text_of_a_multiline_string_begins_below_its_key() -> None:
    document = frontmatter.parse("a.toml", TEXT)
    assert document.text_line("world", "files", "policy.md") == 10
    assert document.text_line("title") == 1


def test_a_head_is_split_from_its_body_and_keeps_its_lines() -> None:
    document = frontmatter.split("a.jinja", '{#+++\ntitle = "x"\n\nkey = 1\n+++#}\nbody\n')
    assert document.data == {"title": "x", "key": 1}
    assert (document.line("key"), document.body, document.body_line) == (4, "body\n", 6)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("no head", 1, "must begin with a TOML head"),
        ("+++\ntitle = 1\n", 1, "not closed"),
        ("+++\ntitle = 1\nbroken =\n+++\n", 3, "not valid TOML"),
        ("+++\na = 1\na = 2\n+++\n", 3, "not valid TOML"),
    ],
)
def test_a_broken_head_is_named_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(ContentError) as caught:
        frontmatter.split("a.md", text)
    (problem,) = caught.value.problems
    assert (problem.path, problem.line) == ("a.md", line)
    assert message in problem.message
