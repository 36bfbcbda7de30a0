"""The cluster query language of `memberOf`, as the AWS developer guide describes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_policy.cluster_query import (
    MAX_DEPTH,
    MAX_LENGTH,
    SUBJECTS,
    And,
    Comparison,
    Not,
    Or,
    Query,
    QueryError,
    evaluate,
    mentions,
    parse,
)
from tests.policy.query_text import format_query

ZONE = "attribute:ecs.availability-zone"
TYPE = "attribute:ecs.instance-type"

GUIDE_EXAMPLES = {
    "attribute:ecs.instance-type == t2.small": Comparison(TYPE, "==", ("t2.small",)),
    "attribute:ecs.availability-zone in [us-east-1a, us-east-1b]": Comparison(ZONE, "in", ("us-east-1a", "us-east-1b")),
    "attribute:ecs.instance-type =~ g2.* and attribute:ecs.availability-zone != us-east-1d": And(
        (Comparison(TYPE, "=~", ("g2.*",)), Comparison(ZONE, "!=", ("us-east-1d",)))
    ),
    "task:group == service:production": Comparison("task:group", "==", ("service:production",)),
    "not(task:group == database)": Not(Comparison("task:group", "==", ("database",))),
    "runningTasksCount == 1": Comparison("runningTasksCount", "==", ("1",)),
    "agentVersion < 1.14.5": Comparison("agentVersion", "<", ("1.14.5",)),
    "registeredAt < 2018-02-13": Comparison("registeredAt", "<", ("2018-02-13",)),
    "ec2InstanceId in ['i-abcd1234', 'i-wxyx7890']": Comparison("ec2InstanceId", "in", ("i-abcd1234", "i-wxyx7890")),
}


@pytest.mark.parametrize("text", GUIDE_EXAMPLES)
def test_every_example_of_the_developer_guide_is_read(text: str) -> None:
    assert parse(text) == GUIDE_EXAMPLES[text]


@pytest.mark.parametrize(
    ("signs", "words"),
    [
        ("attribute:a == b", "attribute:a equals b"),
        ("attribute:a != b", "attribute:a not_equals b"),
        ("attribute:a > 1", "attribute:a greater_than 1"),
        ("attribute:a >= 1", "attribute:a greater_than_equal 1"),
        ("attribute:a < 1", "attribute:a less_than 1"),
        ("attribute:a <= 1", "attribute:a less_than_equal 1"),
        ("attribute:a !exists", "attribute:a not_exists"),
        ("attribute:a !in [b, c]", "attribute:a not_in [b,c]"),
        ("attribute:a =~ b.*", "attribute:a matches b.*"),
        ("attribute:a !~ b.*", "attribute:a not_matches b.*"),
        ("attribute:a exists && attribute:b exists", "attribute:a exists and attribute:b exists"),
        ("attribute:a exists || attribute:b exists", "attribute:a exists or attribute:b exists"),
        ("!attribute:a exists", "not attribute:a exists"),
        ("attribute:a==b", "  attribute:a  equals  'b' "),
        ('attribute:a == "a b"', "attribute:a == 'a b'"),
    ],
)
def test_signs_and_words_mean_the_same(signs: str, words: str) -> None:
    assert parse(signs) == parse(words)


def test_and_binds_closer_than_or_and_brackets_decide() -> None:
    a, b, c = (Comparison(f"attribute:{name}", "exists") for name in "abc")
    assert parse("attribute:a exists or attribute:b exists and attribute:c exists") == Or((a, And((b, c))))
    assert parse("(attribute:a exists or attribute:b exists) and attribute:c exists") == And((Or((a, b)), c))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            "at character 1: got the end of the expression, expected `attribute:<name>` or one of `agentConnected`, "
            "`agentVersion`, `ec2InstanceId`, `registeredAt`, `runningTasksCount`, `task:group`",
        ),
        (
            "instanceType == t3.small",
            "at character 1: got `instanceType`, expected `attribute:<name>` or one of `agentConnected`, "
            "`agentVersion`, `ec2InstanceId`, `registeredAt`, `runningTasksCount`, `task:group`",
        ),
        (
            "attribute:a = b",
            "at character 13: got `=`, expected an operator that `attribute:a` has: "
            "== != > >= < <= exists !exists in !in =~ !~",
        ),
        (
            "runningTasksCount =~ 1",
            "at character 19: got `=~`, expected an operator that `runningTasksCount` has: == != > >= < <=",
        ),
        ("attribute:a ==", "at character 15: got the end of the expression, expected a value"),
        ("attribute:a == ''", "at character 16: got `''`, expected a value that is not empty"),
        ("attribute:a == 'b", "at character 18: got the end of the expression, expected the closing '"),
        ("attribute:a in b", "at character 16: got `b`, expected a list `[value, value]`"),
        ("attribute:a in [b c]", "at character 19: got `c]`, expected `,` or `]`"),
        ("attribute:a in []", "at character 17: got `]`, expected a value"),
        ("(attribute:a exists", "at character 20: got the end of the expression, expected `and`, `or` or `)`"),
        ("attribute:a exists)", "at character 19: got `)`, expected `and`, `or` or the end of the expression"),
        (
            "attribute:a exists attribute:b exists",
            "at character 20: got `attribute:b`, expected `and`, `or` or the end of the expression",
        ),
        ("agentConnected == yes", "at character 19: got `yes`, expected `true` or `false`"),
        ("agentVersion > latest", "at character 16: got `latest`, expected a version such as `1.14.5`"),
        ("runningTasksCount < few", "at character 21: got `few`, expected a whole number"),
        (
            "registeredAt < 2018-02-31",
            "at character 16: got `2018-02-31`, expected a date such as `2018-06-18`, `2018-06-18T22:28:28`, "
            "`2018-06-18T22:28:28Z` or `2018-06-18T22:28:28+00:00`",
        ),
    ],
)
def test_an_error_names_the_place_and_what_belongs_there(text: str, message: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert str(caught.value) == message


def test_the_length_limit_is_the_api_s() -> None:
    longest = "attribute:a == " + "b" * (MAX_LENGTH - len("attribute:a == "))
    assert parse(longest)
    with pytest.raises(QueryError, match="got an expression of 2001 characters, expected at most 2000 characters"):
        parse(longest + "b")


@pytest.mark.parametrize("opening", ["(", "!", "not ", "!("])
def test_deep_nesting_is_an_error_and_no_stack_overflow(opening: str) -> None:
    with pytest.raises(QueryError, match=f"at most {MAX_DEPTH} brackets and negations inside each other"):
        parse(opening * 400 + "attribute:a exists")


def test_mentions_lists_every_subject() -> None:
    query = parse("not(attribute:ecs.availability-zone == a) or (task:group == b and attribute:x exists)")
    assert mentions(query) == {ZONE, "task:group", "attribute:x"}


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("attribute:ecs.instance-type == t3.small", True),
        ("attribute:ecs.instance-type =~ t3.*", True),
        ("attribute:ecs.instance-type =~ t3", False),  # a pattern describes the whole value
        ("attribute:ecs.instance-type !~ '(?<!x)t3.*'", None),
        ("attribute:ecs.availability-zone in [a, b]", None),
        ("attribute:ecs.availability-zone in [a, b] and attribute:stack == green", False),
        ("attribute:ecs.availability-zone in [a, b] or attribute:stack == blue", True),
        ("attribute:absent exists", False),
        ("attribute:absent !exists", True),
        ("attribute:absent == x", False),
        ("attribute:absent != x", None),
        ("task:group == service:web", True),
        ("task:group != service:web", None),
        ("task:group != service:other", True),
        ("not(task:group == service:web)", False),
        ("runningTasksCount >= 2", True),
        ("runningTasksCount > 10", False),  # numbers, not letters
        ("agentVersion < 1.14.5", False),
        ("agentVersion == 1.40", True),
        ("registeredAt < 2018-02-13T01:00:00+00:00", True),
        ("agentConnected == true", True),
    ],
)
def test_an_instance_is_in_the_group_or_not_or_it_cannot_be_told(text: str, verdict: bool | None) -> None:
    instance = {
        TYPE: "t3.small",
        "attribute:stack": "blue",
        "attribute:absent": None,
        "task:group": ["service:web", "service:api"],
        "runningTasksCount": "2",
        "agentVersion": "1.40.0",
        "registeredAt": "2018-02-13T00:59:59Z",
        "agentConnected": "true",
    }
    assert evaluate(parse(text), instance) is verdict


_NAMES = st.text("abcXYZ019._/\\-", min_size=1, max_size=12)
_VALUES = st.text('aZ09 .,:;/\\@()[]!&|=~<>*+?"é\u3000\n', min_size=1, max_size=12) | st.sampled_from(
    ["and", "or", "not", "in", "!", "exists", "(a|b)", "[a]", "a,b", "it's", "a&&b", "t3.*", " a "]
)


@st.composite
def _comparisons(draw: st.DrawFn) -> Comparison:
    subject = draw(st.sampled_from([*SUBJECTS, "attribute"]))
    allowed = SUBJECTS.get(subject, SUBJECTS["task:group"])
    if subject == "attribute":
        subject = f"attribute:{draw(_NAMES)}"
    operator = draw(st.sampled_from(allowed))
    values = {
        "agentConnected": st.sampled_from(["true", "false"]),
        "agentVersion": st.sampled_from(["1.14.5", "1"]),
        "registeredAt": st.sampled_from(["2018-06-18", "2018-06-18T22:28:28+00:00"]),
        "runningTasksCount": st.integers(0, 1000).map(str),
    }.get(subject, _VALUES)
    if operator in ("exists", "!exists"):
        return Comparison(subject, operator)
    if operator in ("in", "!in"):
        return Comparison(subject, operator, tuple(draw(st.lists(values, min_size=1, max_size=3))))
    return Comparison(subject, operator, (draw(values),))


def _branches(children: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    return st.one_of(
        children.map(Not),
        st.lists(children.filter(lambda child: not isinstance(child, And)), min_size=2, max_size=3).map(
            lambda parts: And(tuple(parts))
        ),
        st.lists(children.filter(lambda child: not isinstance(child, Or)), min_size=2, max_size=3).map(
            lambda parts: Or(tuple(parts))
        ),
    )


QUERIES: st.SearchStrategy[Query] = st.recursive(_comparisons(), _branches, max_leaves=8)


@given(QUERIES)
def test_what_is_written_is_read_back(query: Query) -> None:
    assert parse(format_query(query)) == query


_PIECES = st.sampled_from(
    [
        "attribute:a",
        "task:group",
        "agentVersion",
        "==",
        "!",
        "in",
        "not",
        "and",
        "||",
        "(",
        ")",
        "[",
        "]",
        ",",
        "'",
        " ",
    ]
)


@given(st.text() | st.lists(_PIECES | st.text(max_size=3)).map(" ".join) | st.lists(_PIECES).map("".join))
def test_any_text_is_a_query_or_a_query_error(text: str) -> None:
    try:
        query = parse(text)
    except QueryError as error:
        assert 0 <= error.position <= len(text)
    else:
        assert mentions(query)
        assert evaluate(query, {}) is None
        assert parse(format_query(query)) == query


@pytest.mark.parametrize("value", [None, 5, ["attribute:a exists"], {"a": 1}])
def test_what_is_no_text_is_a_query_error(value: object) -> None:
    with pytest.raises(QueryError, match="expected a string with an expression"):
        parse(value)  # type: ignore[arg-type]


_INSTANCES = st.dictionaries(
    st.sampled_from(["attribute:a", "attribute:b"]), st.none() | st.sampled_from(["x", "1", "2"]), max_size=2
)
_SMALL = st.recursive(
    st.builds(
        Comparison,
        st.sampled_from(["attribute:a", "attribute:b"]),
        st.sampled_from(["==", "!=", ">", "in", "!in"]),
        st.sampled_from(["x", "1", "2"]).map(lambda value: (value,)),
    ),
    _branches,
    max_leaves=5,
)


@given(_SMALL, _INSTANCES, st.dictionaries(st.sampled_from(["attribute:a", "attribute:b"]), st.just("x")))
def test_learning_more_of_an_instance_never_overturns_a_verdict(
    query: Query, known: dict[str, str | None], more: dict[str, str]
) -> None:
    before = evaluate(query, known)
    assert before is None or evaluate(query, {**more, **known}) is before
