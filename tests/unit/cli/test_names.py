"""The printers of a farm as people call them."""

from pathlib import Path

import pytest

from farm.app.config import load_configuration
from farm.app.logs import LogRedaction
from farm.cli.names import PrinterNames
from farm.errors import InvalidQuery
from farm.ledger.batch import Batch
from farm.ledger.ledger import open_ledger
from tests.contract.ledger_samples import a_printer, an_id


def names_of(
    folder: Path, *printers: str, more: str = "", groups: dict[str, str] | None = None
) -> PrinterNames:
    (folder / "layerline.toml").write_text(more, "utf-8")
    configuration = load_configuration(
        config=folder / "layerline.toml", data=folder, environment={}, redaction=LogRedaction()
    )
    with open_ledger(f"sqlite:///{folder}/ledger.db") as ledger:
        ledger.claim("shard", "test", simulated=False, now_ms=0)
        ledger.commit(Batch(printers=[a_printer(each, group=(groups or {}).get(each)) for each in printers]))
        return PrinterNames(configuration, ledger)


def test_case_tells_names_apart_only_where_there_are_several(tmp_path: Path) -> None:
    names = names_of(tmp_path, "Bay", "bay", "Other")
    assert names.only("bay").id == an_id("bay")
    assert names.only("OTHER").id == names.only(an_id("Other")).id == an_id("Other")
    with pytest.raises(InvalidQuery, match=r"printer BAY: there are 2: .*; name one by its id"):
        names.only("BAY")
    assert names.chosen(["BAY"]) == [an_id("Bay"), an_id("bay")]


def test_the_name_before_a_rename_in_the_configuration_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = names_of(tmp_path, "Left", more='[[printers]]\nname = "bay1"\nrename = "Left"\n')
    assert names.only("BAY1").name == "Left"
    assert capsys.readouterr().err == "The printer BAY1 is called Left now.\n"


def test_a_name_of_now_goes_before_one_of_earlier(tmp_path: Path) -> None:
    more = '[[printers]]\nname = "a"\nrename = "b"\n[[printers]]\nname = "b"\nrename = "a"\n'
    names = names_of(tmp_path, "a", "b", more=more)
    assert names.only("a").id == an_id("a")


def test_who_is_not_there_is_told_with_the_nearest_names(tmp_path: Path) -> None:
    names = names_of(tmp_path, "bay1", "bay2", groups={"bay1": "Hall A"})
    with pytest.raises(InvalidQuery, match="printer bay3: there is no such printer; nearest: bay"):
        names.only("bay3")
    with pytest.raises(InvalidQuery, match="--group Hall B: there is no such group; nearest: Hall A"):
        names.chosen(None, ["Hall B"])
    with pytest.raises(InvalidQuery, match="there is no such printer; `layerline printers` lists them"):
        names.only("xyz")


def test_a_group_that_is_like_no_other_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    many = {f"bay{at}": f"{at}. hall" for at in range(9)}
    with pytest.raises(InvalidQuery, match=r"no such group; there are 0\. hall, .*, 7\. hall \.\.\.$"):
        names_of(tmp_path, *many, groups=many).chosen(None, ["xyz"])


def test_without_any_group_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidQuery, match="--group xyz: there is no such group; no printer is in a group"):
        names_of(tmp_path, "bay1").chosen(None, ["xyz"])


def test_printers_and_groups_together_leave_those_that_are_both(tmp_path: Path) -> None:
    names = names_of(tmp_path, "a", "b", "c", groups={"a": "left", "b": "left"})
    assert names.chosen(None) is None
    assert names.chosen(["a", "c"], ["LEFT"]) == [an_id("a")]
    assert names.chosen(None, ["left"]) == [an_id("a"), an_id("b")]
