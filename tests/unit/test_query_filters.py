"""Filters: what they match, and what is refused."""

import math
import re
from dataclasses import replace

import pytest

from xt_core.errors import UsageError
from xt_core.model.records import Job, JobCounts, Run
from xt_core.model.states import RunStatus
from xt_core.query.filters import matches_all, parse_filter
from xt_core.query.registry import JOB_FIELDS, RUN_FIELDS, JobRow

NOW = 2_000.0


def a_run() -> Run:
    return Run(
        "ws1", "run35.10", "job12", "exper1", "node10", RunStatus.ERROR, 1769817600.5,
        parent="run35", run_index=4, started=1000.0, username="007", description="try = again",
        restarts=2,
        hparams={"lr": 0.01, "opt": "adam", "size": 64, "text": "64", "on": True, "a=b": 1,
                 "it's": 2, "a.b-c": 3, "größe": 4, "blank": "", "a:b": 5,
             "odd": "a,b", "said": "NaN", "list": "[1,2]"},
        metrics={"loss": math.nan, "acc": 0.5, "big": math.inf},
        tags={"seen": None, "price": "$5", "said": "True", "denied": "False", "no": False,
              "blank": ""},
        notes="a naïve\nvery long note",
    )  # fmt: skip


def passes(text: str) -> bool:
    return parse_filter(text, RUN_FIELDS).matches(a_run(), NOW)


@pytest.mark.parametrize(
    "text",
    [
        "status=error", "status == error", "status!=completed", "status <> completed",
        "restarts>=2", "restarts<3", "username=007", "username='007'", "exit_code=$none",
        "hparams.lr=0.01", "hparams.lr=1e-2", "hparams.lr<.02", "hparams.size=64",
        "hparams.size=64.0", "hparams.text='64'", "hparams.opt>=adam", "hparams.opt=\"adam\"",
        "hparams.on=$true", "hparams.on!=$false", "is_parent=false", "is_child=$true",
        'hparams."a=b"=1', "hparams.it's=2", "hparams.a.b-c=3", "hparams.größe=4", "hparams.a:b=5",
        "hparams.lr:exists:true", "hparams.none:exists:false", "tags.seen:exists:true",
        "tags.seen=$exists", "tags.x!=$exists", "tags.seen=$none", "tags.price='$5'",
        "hparams.blank=$empty", 'hparams.blank=""', "hparams.blank!=$none", "hparams.opt!=$empty",
        "exit_code=$empty", "description!=$none",
        "description:regex:^try .*n$", "hparams.opt:regex:da", "run:regex:'^run35[.]'",
        "description='try = again'", "duration=1000", "duration>16m", "duration<=16m40s",
        "run<run35.11", "run>run35.9", "run>run9", "node>node9", "job>job9", "parent<run100",
        "metrics.acc>0", "run_index=4",
        "metrics.loss=nan", "metrics.loss=NaN", "metrics.big=inf", "metrics.big=+Inf",
        "hparams.said=nan",
        "metrics.loss!=inf", "hparams.opt=sgd,adam", "hparams.opt!=sgd,rmsprop",
        "hparams.lr=.1, .01",
        "hparams.odd='a,b'", "hparams.odd=c,'a,b'", "hparams.list=[1,2]", "status=running,error",
        "status!=running,completed", "run=run1,run35.10", "exit_code=1,$none",
        "metrics.loss=.1,nan",
        "restarts=1,2", "status!=early-stop",
        "status='early stop',error", "duration=5m,16m40s",
        "created=2026-01-30,2026-01-31T00:00:00.500Z",
        'description=a,"try = again"', "hparams.on=false,true",
        "hparams.on=true", "hparams.on=True", "hparams.on!=false", "hparams.on", "tags.said=TRUE",
        "tags.said=$exists", "tags.seen=true", "tags.seen", "tags.denied=false",
        "tags.denied=FALSE", "tags.price", "metrics.loss", "is_child", "tags.blank=true",
        "tags.blank",
        "error", "ERR", "35.10", "JOB12", "exper", "again", "'try = again'", '"seen"', "$5",
        "naïve", "VERY LONG", "said",
    ],
)  # fmt: skip
def test_it_passes(text: str) -> None:
    assert passes(text)


@pytest.mark.parametrize(
    "text",
    [
        "hparams.size='64'", "hparams.text=64", "hparams.text<100", "hparams.opt<1",
        "hparams.opt>1",
        "hparams.on=1", "hparams.on>0", "hparams.size=$true",
        "hparams.none=1", "hparams.none<1", "hparams.none>1", "hparams.none=$true",
        "exit_code<1", "exit_code>=0", "error:regex:.*", "hparams.size:regex:6",
        "metrics.loss<1", "metrics.loss>=1", "metrics.loss=inf", "metrics.acc=nan",
        "metrics.big=-inf", "metrics.loss='nan'", "hparams.opt=sgd,rmsprop", "hparams.lr!=.1,.01",
        "hparams.odd=a,b", "metrics.big>1",
        "metrics.loss!=$none", "metrics.loss:exists:false", "hparams.text:regex:^6$",
        "hparams.on=false", "hparams.on='true'", "hparams.size=true", "hparams.blank=true",
        "tags.none", "tags.none=true", "tags.none=false", "tags.denied", "tags.no", "tags.no=true",
        "is_parent", "rror", "cancelled", "adam", "ws1", "node10", "error35",
    ],
)  # fmt: skip
def test_it_does_not_pass(text: str) -> None:
    assert not passes(text)


@pytest.mark.parametrize(
    "text",
    ["hparams.none!=1", "exit_code!=0", "metrics.loss!=1", "hparams.text!=64", "ended!=2026-01-01"],
)
def test_unequal_is_true_of_a_missing_value_and_of_another_type(text: str) -> None:
    assert passes(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("created=2026-01-31T00:00Z", True),
        ("created=2026-01-31T00:00:00Z", True),
        ("created=2026-01-31T00:00:00.500Z", True),
        ("created=2026-01-31T00:00:01Z", False),
        ("created<2026-01-31T00:00Z", False),
        ("created<=2026-01-31T00:00Z", True),
        ("created>2026-01-31T00:00Z", False),
        ("created>=2026-01-31T00:00Z", True),
        ("created!='2026-01-31 00:00Z'", False),
    ],
)
def test_a_time_compares_with_all_of_the_span_that_is_written(text: str, expected: bool) -> None:
    assert passes(text) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "malformed filter ''"),
        ("and", "'and' joins no conditions"),
        ("(", "'(' joins no conditions"),
        ("metrics.los<0.1 and (", "several conditions in one filter 'metrics.los<0.1 and ('"),
        ("status=error or status=lost", "several conditions in one filter"),
        ("status=error,", "no value in the filter 'status=error,'"),
        ("status=error,lots", "no status is called 'lots', in the filter 'status=error,lots'"),
        ('""', "malformed filter '\"\"'"),
        ("a\nb", "malformed filter 'a\\nb'"),
        ("<", "malformed filter '<'"),
        ("tags.", "tags. needs a name after the dot"),
        ("tags.x:has:3", "unknown operator :has: in the filter 'tags.x:has:3'"),
        ("=3", "malformed filter '=3'"),
        ("tags.x=\udcff", "malformed filter"),
        ("status=", "no value in the filter 'status='"),
        ("tags.x:mongo:{a=1}", "unknown operator :mongo: in the filter 'tags.x:mongo:{a=1}'"),
        ("status=early", "no status is called 'early', in the filter 'status=early'"),
        ("lr<1", "there is no field 'lr'"),
        ("status=runing", "no status is called 'runing', in the filter 'status=runing'"),
        ("restarts=many", "'many' in the filter 'restarts=many' is not a number"),
        ("duration>long", "'long' in the filter 'duration>long' is not a duration"),
        ("created>soon", "'soon' in the filter 'created>soon' is not a time"),
        ("is_parent=2", "'2' in the filter 'is_parent=2' is neither true nor false"),
        ("is_parent>true", "is_parent in the filter 'is_parent>true' has no order"),
        ("restarts=$true", "restarts in the filter 'restarts=$true' is not a flag"),
        ("tags.x<$none", "$none has no order in the filter 'tags.x<$none'"),
        ("tags.x=$nothing", "unknown value $nothing in the filter 'tags.x=$nothing'"),
        ("tags.x:exists:maybe", "'maybe' in the filter 'tags.x:exists:maybe' is neither"),
        ("run<35", "not a run name: '35', in the filter 'run<35'"),
        ("restarts:regex:1", "restarts in the filter 'restarts:regex:1' is not text"),
        ("notes:regex:(", "bad regular expression in the filter 'notes:regex:('"),
    ],
)
def test_a_wrong_filter_is_refused_with_a_hint(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        parse_filter(text, RUN_FIELDS)
    assert caught.value.hint


def test_a_near_status_is_offered() -> None:
    with pytest.raises(UsageError) as caught:
        parse_filter("status=runing", RUN_FIELDS)
    assert caught.value.hint == "did you mean running?"


def test_a_run_that_was_stopped_early_is_found_by_the_state_that_is_shown() -> None:
    run = replace(a_run(), status=RunStatus.COMPLETED, stopped_early=True)
    for text in ("status=early-stop", "status=early stop", "stopped_early", "status=completed"):
        assert parse_filter(text, RUN_FIELDS).matches(run, NOW)
        assert not parse_filter(text, RUN_FIELDS).matches(a_run(), NOW)
    assert not parse_filter("status!=early-stop", RUN_FIELDS).matches(run, NOW)


def test_several_filters_all_have_to_pass_also_on_one_column() -> None:
    within = [parse_filter(text, RUN_FIELDS) for text in ("restarts>1", "restarts<3")]
    beyond = [*within, parse_filter("restarts>2", RUN_FIELDS)]
    assert matches_all(within, a_run(), NOW)
    assert not matches_all(beyond, a_run(), NOW)


def test_jobs_are_filtered_by_their_counts_and_their_best_value() -> None:
    job = Job("job7", "ws1", "exper1", "dynamic", "local", "ann", 5.0, 10, 2)
    row = JobRow(job, JobCounts(unstarted=3, completed=7), "run2.4", 0.25)
    texts = ("status=running", "completed>5", "best<0.3", "name>job6", "best_run<run2.10")
    assert matches_all([parse_filter(text, JOB_FIELDS) for text in texts], row, NOW)
    assert not parse_filter("error>0", JOB_FIELDS).matches(row, NOW)


def test_values_that_hold_words_which_join_nothing_are_texts() -> None:
    assert parse_filter("description=try and error", RUN_FIELDS).operand == "try and error"
    assert parse_filter("'and'", RUN_FIELDS).operand == "and"
    assert parse_filter("description='a and b=c'", RUN_FIELDS).operand == "a and b=c"


def test_a_logged_name_needs_no_family_where_it_is_the_only_one() -> None:
    known = ["hparams.lr", "metrics.loss", "hparams.both", "metrics.both", "tags.a=b", "tags.run"]

    def field_of(text: str) -> str:
        return parse_filter(text, RUN_FIELDS.knowing(lambda: known)).field.name

    assert (field_of("lr<.05"), field_of("loss=nan")) == ("hparams.lr", "metrics.loss")
    assert (field_of('"a=b"=1'), field_of("run=run1")) == ("tags.a=b", "run")
    for text in ("both<1", "other<1"):
        with pytest.raises(UsageError, match="there is no field"):
            field_of(text)
    with pytest.raises(UsageError) as caught:
        field_of("los<.1")
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("did you mean metrics.loss? ")
