"""The shell: what its commands print and change, and that no line, however written, breaks or holds it up."""

import json
import shlex
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consistency.errors import ConfigurationError
from consistency.records.base import Json, canonical
from consistency.worlds.services._shell.line import parse
from consistency.worlds.services._shell.run import COMMANDS
from consistency.worlds.services.shell import LINE, OUTPUT
from consistency.worlds.tool import ToolError
from consistency.worlds.world import World

LOG = "".join(f"09:{minute:02} {'ERROR' if minute % 5 == 0 else 'INFO'} req {minute}\n" for minute in range(10))
TABLES: dict[str, dict[str, Json]] = {
    "files": {
        "a.txt": "one two\nthree\n",
        "docs/b.yaml": "flag: true\nn: 3\n",
        "docs/.env": "K=1",
        "logs/app.log": LOG,
    },
    "clock": {"now": "2026-03-04 09:12"},
    "shell": {
        "user": "ops",
        "host": "web-1",
        "units": {"billing": "active", "old.timer": "failed", "spare": "inactive"},
        "env": {"STAGE": "prod"},
        "programs": {"make  deploy": "deployed\n", "psql -c 'select 1'": "1"},
    },
}


@pytest.fixture
def world() -> World:
    return World(TABLES, ("run_command", "read_file", "write_file"))


def run(world: World, line: str) -> str:
    use = world.call(0, "run_command", json.dumps({"command": line}))
    assert use.error is None, use.result
    return use.result


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("pwd; cd docs && pwd; cd ../.. && pwd; cd - && cd", "/\n/docs\n/\n/docs"),
        ("ls", "a.txt\ndocs\nlogs"),
        ("ls -a docs", ".\n..\n.env\nb.yaml"),
        ("ls -l a.txt docs", "-rw-r--r-- 1 ops ops 14 Mar  4 09:12 a.txt\n\ndocs:\ntotal 4\n"),
        ("ls -R", ".:\na.txt\ndocs\nlogs\n\n./docs:\nb.yaml\n\n./logs:\napp.log"),
        ("cat a.txt docs/b.yaml", "one two\nthree\nflag: true\nn: 3"),
        ("cat -n < a.txt", "     1\tone two\n     2\tthree"),
        ("head -n 1 a.txt; head -1 /logs/app.log; head -c 3 a.txt", "one two\n09:00 ERROR req 0\none"),
        ("tail -n 1 a.txt; tail -n +10 logs/app.log", "three\n09:09 INFO req 9"),
        ("head -n1 a.txt docs/b.yaml", "==> a.txt <==\none two\n\n==> docs/b.yaml <==\nflag: true"),
        ("grep -n -i ONE a.txt", "1:one two"),
        ("grep -c ERROR logs/app.log; grep -vc ERROR logs/app.log", "2\n8"),
        ("grep -r true", "docs/b.yaml:flag: true"),
        ("grep -rl -E 'ERROR|flag' .", "./docs/b.yaml\n./logs/app.log"),
        ("grep -E '^09:0[5-6] (ERROR|INFO)' logs/app.log", "09:05 ERROR req 5\n09:06 INFO req 6"),
        ("grep -o 'req [0-9]$' logs/app.log | head -n 2", "req 0\nreq 1"),
        ("grep -A1 -n 09:05 logs/app.log", "6:09:05 ERROR req 5\n7-09:06 INFO req 6"),
        ("grep -e one -e flag a.txt docs/b.yaml", "a.txt:one two\ndocs/b.yaml:flag: true"),
        ("grep -w t a.txt || grep -F 'e t' a.txt", "one two"),
        ("wc -l a.txt; wc -l < a.txt; wc a.txt", "2 a.txt\n2\n 2  3 14 a.txt"),
        ("cut -d ' ' -f 2 logs/app.log | sort | uniq -c | sort -rn", "      8 INFO\n      2 ERROR"),
        ("sort -k 4 -n -r logs/app.log | head -1", "09:09 INFO req 9"),
        ("printf '%s\\n' 10 9 9 | sort -n -u", "9\n10"),
        ("cut -c 1-3,7 a.txt", "oneo\nthr"),
        ("echo 'a  b' \"$USER@$HOSTNAME\" ${STAGE} '$STAGE' \\$X $NONE end", "a  b ops@web-1 prod $STAGE $X end"),
        ("echo -n a; echo -e 'b\\tc'", "ab\tc"),
        ("echo *.txt d*/* none* '*'", "a.txt docs/b.yaml none* *"),
        ("sed 's/o/0/; s/t/T/g' a.txt", "0ne Two\nThree"),
        ("sed -n '2,3p' logs/app.log; sed -n '$p' a.txt", "09:01 INFO req 1\n09:02 INFO req 2\nthree"),
        ("sed -E 's/([a-z]+) ([a-z]+)/\\2 [&] \\1/' a.txt", "two [one two] one\nthree"),
        ("sed -e '/INFO/d' -e 's|09:|9.|' logs/app.log", "9.00 ERROR req 0\n9.05 ERROR req 5"),
        ("sed '1i top\n$a end' a.txt", "top\none two\nthree\nend"),
        (
            "find . -name '*.yaml'; find docs -type f; find -maxdepth 1 -type d",
            "./docs/b.yaml\ndocs/.env\ndocs/b.yaml\n",
        ),
        ("cp a.txt b.txt; sed -i 's/two/2/' b.txt; diff a.txt b.txt", "1c1\n< one two\n---\n> one 2\nexit code 1"),
        ("diff a.txt a.txt && echo same", "same"),
        ("date; date +%FT%H:%M; whoami; hostname", "Wed Mar  4 09:12:00 UTC 2026\n2026-03-04T09:12\nops\nweb-1"),
        ("printenv STAGE; env | grep -c =", "prod\n6"),
        ("export A=1 B='x y'; C=3; echo $A $B $C; unset A; echo $A.", "1 x y 3\n."),
        ("false || echo a && echo b; true && false; echo $?", "a\nb\n1"),
        ("ls nope 2>/dev/null; ls nope 2>&1 | wc -l; cat x &> out; cat out", "1\ncat: x: No such file or directory"),
        (
            "echo x > f > g; cat f g; ls a.{txt,md} b{,c}/ 2>/dev/null; echo '{a,b}' {a,b}d",
            "x\na.txt\n{a,b} ad bd",
        ),
        ("echo abcb | sed 's/b*/x/g'; echo abc | sed 's/$/!/; s/^/>/g'", "xaxcx\n>abc!"),
        (
            "head -n -1 a.txt; grep -L flag a.txt docs/b.yaml; find . ! -name '*.*' -type d -o -name a.txt",
            "one two\na.txt\n",
        ),
        ("make deploy", "deployed"),
        ("  psql -c   'select 1'", "1"),
        ('true && psql -c "select 1" | cat -n', "     1\t1"),
        ("systemctl is-active billing; systemctl is-active spare.service", "active\ninactive\nexit code 3"),
        (
            "systemctl list-units",
            "  billing.service loaded active   running billing\n● old.timer       loaded failed   failed  old",
        ),
        ("systemctl status old.timer", "× old.timer - old\n"),
        ("history", "    1  history"),
        ("cat <<E | sort -r # none\n$STAGE\nz\nE\necho done", "z\nprod\ndone"),
        ("cat <<'E'\n$STAGE\nE", "$STAGE"),
        ("[ -f a.txt ] && test -d docs && [ ! -e x ] && echo all", "all"),
        ("echo x | tee -a a.txt >/dev/null; cat a.txt", "one two\nthree\nx"),
        ("mkdir -p p/q; cd p/q; touch r; cd; ls p; rmdir p", "q\nrmdir: failed to remove 'p': Directory not empty"),
        ("which cat make; which nope", "/usr/bin/cat\n/usr/bin/make\nexit code 1"),
        ("cat a.txt > a.txt; wc -c a.txt", "0 a.txt"),
        ("cd docs; cat ../a.txt ../../../../a.txt", "one two\nthree\none two\nthree"),
    ],
)
def test_a_line_prints_what_bash_would(world: World, line: str, shown: str) -> None:
    assert shown in run(world, line) + "\n"


@pytest.mark.parametrize(
    ("line", "said", "code"),
    [
        ("cat x", "cat: x: No such file or directory", 1),
        ("cat docs", "cat: docs: Is a directory", 1),
        ("cat a.txt/b", "cat: a.txt/b: Not a directory", 1),
        ("foo --bar", "bash: foo: command not found", 127),
        ("./run.sh", "bash: ./run.sh: No such file or directory", 127),
        ("./a.txt", "bash: ./a.txt: Permission denied", 126),
        ("make test", "make: unrecognized arguments: test", 2),
        ("cd nope", "bash: cd: nope: No such file or directory", 1),
        ("cd a.txt", "bash: cd: a.txt: Not a directory", 1),
        ("ls nope", "ls: cannot access 'nope': No such file or directory", 2),
        ("ls -Z", "ls: invalid option -- 'Z'", 2),
        ("head -n x a.txt", "head: invalid number of lines: 'x'", 1),
        ("grep", "grep: usage: grep [OPTION]... PATTERNS [FILE]...", 2),
        ("grep '[' a.txt", "grep: Unmatched [, [^, [:, [., or [=", 2),
        ("grep -E '(' a.txt", "grep: Unmatched ( or \\(", 2),
        ("grep x docs", "grep: docs: Is a directory", 2),
        ("cut a.txt", "cut: you must specify a list of bytes, characters, or fields", 1),
        ("sed", "sed: no script specified", 1),
        ("sed y a.txt", "sed: -e expression #1, char 1: unknown command: `y'", 1),
        ("sed 's/a/b' a.txt", "sed: -e expression #1, char 5: unterminated `s' command", 1),
        ("sed -i s/a/b/ x", "sed: can't read x: No such file or directory", 2),
        ("cp x y", "cp: cannot stat 'x': No such file or directory", 1),
        ("cp a.txt a.txt y", "cp: target 'y': No such file or directory", 1),
        ("cp docs y", "cp: -r not specified; omitting directory 'docs'", 1),
        ("cp a.txt ./a.txt", "cp: 'a.txt' and './a.txt' are the same file", 1),
        ("mv a.txt no/b", "mv: cannot move 'a.txt' to 'no/b': No such file or directory", 1),
        ("mv docs docs", "mv: cannot move 'docs' to a subdirectory of itself, 'docs/docs'", 1),
        ("rm x", "rm: cannot remove 'x': No such file or directory", 1),
        ("rm docs", "rm: cannot remove 'docs': Is a directory", 1),
        ("rm -rf /", "rm: it is dangerous to operate recursively on '/'", 1),
        ("rm -rf docs/..", "rm: refusing to remove '.' or '..' directory: skipping 'docs/..'", 1),
        ("mkdir docs", "mkdir: cannot create directory 'docs': File exists", 1),
        ("mkdir x/y", "mkdir: cannot create directory 'x/y': No such file or directory", 1),
        ("touch x/y", "touch: cannot touch 'x/y': No such file or directory", 1),
        ("echo > docs", "bash: docs: Is a directory", 1),
        ("echo > x/y", "bash: x/y: No such file or directory", 1),
        ("sort < x", "bash: x: No such file or directory", 1),
        ("find x", "find: 'x': No such file or directory", 1),
        ("find -foo", "find: unknown predicate `-foo'", 1),
        ("diff a.txt", "diff: missing operand after 'a.txt'", 2),
        ("date yesterday", "date: invalid date 'yesterday'", 1),
        ("export 1=2", "bash: export: `1=2': not a valid identifier", 1),
        ("systemctl stop x", "Failed to stop x.service: Unit x.service not loaded.", 5),
        ("systemctl start x.service", "Failed to start x.service: Unit x.service not found.", 5),
        ("systemctl status x", "Unit x.service could not be found.", 4),
        ("systemctl disable billing", "Failed to disable unit: Access denied", 1),
        ("systemctl explode", "Unknown command verb 'explode'.", 1),
        (f"cat {'x' * 2000}", f"cat: {'x' * 2000}: File name too long", 1),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_fails_says_so_as_bash_would_and_changes_nothing(world: World, line: str, said: str, code: int) -> None:
    assert run(world, line) == f"{said}\nexit code {code}"
    assert world.changes == ()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("echo 'a", "bash: unexpected EOF while looking for matching `''"),
        ('echo "a', "bash: unexpected EOF while looking for matching `\"'"),
        ("ls | | wc", "bash: syntax error near unexpected token `|'"),
        ("&& ls", "bash: syntax error near unexpected token `&&'"),
        ("ls &&", "bash: syntax error: unexpected end of file"),
        ("ls >", "bash: syntax error near unexpected token `newline'"),
        ("(ls)", "bash: syntax error near unexpected token `('"),
        ("sleep 5 &", "bash: no job control in this shell"),
        ("echo $(ls)", "bash: command substitution is not available in this shell"),
        ('echo "`ls`"', "bash: command substitution is not available in this shell"),
        ("rm a.txt; for f in x; do ls; done", "bash: `for': compound commands are not available in this shell"),
        ("echo " + "a" * LINE, "bash: line too long"),
    ],
    ids=lambda value: value[:30],
)
def test_a_line_that_cannot_be_read_is_an_error_and_none_of_it_is_done(world: World, line: str, said: str) -> None:
    use = world.call(0, "run_command", json.dumps({"command": line}))
    assert (use.error, use.result) == ("tool_error", f"Error: {said}")
    assert world.changes == ()


@pytest.mark.parametrize(
    ("line", "changes", "there"),
    [
        ("echo new > docs/n", [("write", "docs/n")], {"docs/n": "new\n"}),
        ("echo x >> a.txt", [("write", "a.txt")], {"a.txt": "one two\nthree\nx\n"}),
        ("sed -i.bak s/one/1/ a.txt", [("write", "a.txt.bak"), ("write", "a.txt")], {"a.txt": "1 two\nthree\n"}),
        ("cp a.txt docs", [("write", "docs/a.txt")], {"docs/a.txt": "one two\nthree\n"}),
        ("mv a.txt docs/", [("write", "docs/a.txt"), ("delete", "a.txt")], {"a.txt": None}),
        ("cp -r docs copy", [("write", "copy/.env"), ("write", "copy/b.yaml")], {"copy/.env": "K=1"}),
        ("rm -rf docs nope", [("delete", "docs/.env"), ("delete", "docs/b.yaml")], {"docs/b.yaml": None}),
        ("find logs -name '*.log' -delete", [("delete", "logs/app.log")], {"logs/app.log": None}),
        ("touch a.txt new", [("write", "new")], {"new": ""}),
        ("mkdir deep; mkdir -p deep/er; ls deep", [], {}),
        ("sudo systemctl stop billing; systemctl stop billing", [("stop", "billing")], {}),
        ("systemctl restart billing spare", [("restart", "billing"), ("restart", "spare")], {}),
        ("STAGE=dev", [("set_variable", "STAGE")], {}),
    ],
)
def test_changes_are_made_on_the_drive_and_logged(
    world: World, line: str, changes: list[tuple[str, str]], there: dict[str, str | None]
) -> None:
    assert "exit code" not in run(world, line)
    assert [(change.action, change.target) for change in world.changes] == changes
    assert {path: world.snapshot()["files"].get(path) for path in there} == there


def test_folders_outlive_their_files_and_the_session_its_lines(world: World) -> None:
    run(world, "mkdir empty; cd docs; rm b.yaml .env")
    assert run(world, "pwd; ls -A; cp ../a.txt ../empty; ls ../empty") == "/docs\na.txt"
    assert world.snapshot()["shell"] == {
        "units": {"billing": "active", "old.timer": "failed", "spare": "inactive"},
        "env": {"STAGE": "prod"},
        "history": ["mkdir empty; cd docs; rm b.yaml .env", "pwd; ls -A; cp ../a.txt ../empty; ls ../empty"],
        "folder": "/docs",
    }
    world.call(0, "write_file", '{"path": "empty/x", "content": "y"}')
    assert run(world, "cat ../empty/x") == "y"


def test_long_output_is_cut(world: World) -> None:
    run(world, "cat logs/app.log logs/app.log logs/app.log > l; cat l l l l l l l l > m; cat m m m m m m m m m > n")
    shown = run(world, "cat n; false")
    assert len(shown) == OUTPUT
    assert shown.endswith("\n[output cut]\nexit code 1")


def test_without_a_clock_time_stands_still_and_without_a_drive_there_is_no_shell() -> None:
    still = World({"files": {}, "shell": {"folder": "srv/app"}}, ("run_command",))
    assert run(still, "pwd; date +%F; ls -a; echo x > f; cd /; ls") == "/srv/app\n2026-01-05\n.\n..\nsrv"
    with pytest.raises(ConfigurationError, match=r"it needs \[world.files\]"):
        World({"shell": {}}, ())


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"user": 3}, "must be a table of texts"),
        ({"units": {"a": "running"}}, "'a' is one of active, inactive, failed; found 'running'"),
        ({"units": ["a"]}, r"\[world.shell.units\] must be a table of texts"),
        ({"env": {"A": 1}}, r"\[world.shell.env\] must be a table of texts"),
        ({"programs": {"a": {}}}, r"\[world.shell.programs\] must be a table of texts"),
        ({"folder": "a.txt/x"}, "folder is a file: /a.txt/x"),
        ({"folder": "x" * 2000}, "folder: File name too long"),
        ({"shell": "zsh"}, "unknown keys: shell"),
    ],
)
def test_a_malformed_table_is_named_with_what_was_found(table: dict[str, Json], message: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\[world.shell" + "(.*)" * (r"\[" not in message)):
        World({"files": {"a.txt": ""}, "shell": table}, ())
    with pytest.raises(ConfigurationError, match=message):
        World({"files": {"a.txt": ""}, "shell": table}, ())


PARTS = [
    "a.txt",
    "docs",
    "/",
    "..",
    "*",
    "'",
    '"',
    "\\",
    "$A",
    "~",
    "-",
    "-n",
    "-r",
    "-i",
    "-e",
    "1",
    "s/a/b/g",
    "[a",
    "x=1",
    "\n",
]
SIGNS = [
    "|",
    "&&",
    "||",
    ";",
    ">",
    ">>",
    "2>&1",
    "<",
    "<<E",
    "&",
    "(",
    " ",
    "-la",
    ",",
    ":",
    "{1,3}",
    ".*",
    "(a*)*",
    "é",
    "\0",
]
LINES = st.lists(st.sampled_from([*COMMANDS, *PARTS, *SIGNS]) | st.text(max_size=3), max_size=12).map(" ".join)


@settings(max_examples=400)
@given(st.lists(LINES | st.text(), min_size=1, max_size=4))
@example(["cp -r . x", "mv / x", "mv docs/../docs /", "rm -rf .. /*", "cat *"])
@example(["touch ' ..' '. ' '\\' ' a/ / '", "ls -laR", "find / -delete"])
def test_no_line_breaks_it_and_the_same_lines_do_the_same(lines: list[str]) -> None:
    worlds = [World(TABLES, ("run_command",)) for _ in range(2)]
    for line in lines:
        first, second = (world.call(1, "run_command", json.dumps({"command": line})) for world in worlds)
        assert first == second
        assert first.error in (None, "tool_error", "invalid_arguments")
        assert len(first.result) <= OUTPUT + len("Error: ")
        assert canonical(first.to_json())
    snapshot = worlds[0].snapshot()
    assert canonical(snapshot) == canonical(worlds[1].snapshot())
    assert World({"files": snapshot["files"]}, ()).snapshot()["files"] == snapshot["files"]


@pytest.mark.parametrize(
    "line",
    [
        "ls -R;" * 3000,
        "cat " + "* " * 9000,
        "B=" + "$B$B$B" * 3000,
        "cat a.txt a.txt a.txt > b; cat b b b > a.txt; " * 400,
        "mkdir -p " + "x/" * 9000,
        "ls " + "*a" * 120,
        "ls " + "*/" * 9000,
        "cd " + "./../" * 3900,
        "grep -E '(a*)*b' big",
        "grep -E '((((a?){9}){9}){9}){9}' big",
        "grep '.*.*.*.*.*.*x' big",
        "sed 's/ /" + "&" * 15000 + "/g' big",
        "sed '" + "p;" * 9000 + "' big",
        "sed '" + "s/a/aa/g;" * 2000 + "' big",
        "grep -o . big",
        "sort -k2 big",
        "diff big a.txt",
        "printf '" + "%s" * 9000 + "' a b c",
        "cat " + "<<E " * 4000,
        "date +" + "%c" * 5000,
    ],
    ids=lambda line: line[:20],
)
def test_no_line_holds_it_up(line: str) -> None:
    big = " " * 50_000 + "a" * 100_000
    world = World({"files": {"big": big, "a.txt": "aa\n" * 50}, "shell": {}}, ("run_command",))
    started = time.process_time()
    world.call(1, "run_command", json.dumps({"command": line}))
    assert time.process_time() - started < 20


@given(st.lists(st.text("ab '\"\\", min_size=1, max_size=8), max_size=4).map(" ".join))
def test_words_are_what_the_standard_library_makes_of_them(line: str) -> None:
    try:
        wanted = shlex.split(line)
    except ValueError:
        wanted = None
    try:
        words = ["".join(piece.text for piece in word) for found in parse(line) for word in found.commands[0].words]
    except ToolError:
        words = None
    if not line.endswith("\\"):
        assert words == wanted
