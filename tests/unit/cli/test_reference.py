"""The reference documents say what the program does."""

import re
from pathlib import Path

import pytest

from farm.app.config import SECTIONS, load_configuration, section_model
from farm.app.config_models import models_in
from farm.app.logs import LogRedaction
from tests.reference import DOCS, GENERATED, filled, marks, up_to_date

EXAMPLE = DOCS.parent / "layerline.example.toml"


@pytest.mark.parametrize(
    ("file", "wanted"), [(str(file.relative_to(DOCS.parent)), wanted) for file, wanted in up_to_date()]
)
def test_a_reference_document_is_up_to_date(file: str, wanted: str) -> None:
    assert (DOCS.parent / file).read_text("utf-8") == wanted, "run: python -m tests.reference"


@pytest.mark.parametrize("file", GENERATED)
def test_a_reference_document_leaves_nothing_out(file: str) -> None:
    assert sorted(marks((DOCS / file).read_text("utf-8"))) == sorted(GENERATED[file]())


def test_a_block_that_the_program_does_not_know_is_refused() -> None:
    with pytest.raises(KeyError):
        filled("<!-- settings of nothing -->\n<!-- end -->", {})


def test_the_example_configuration_is_right() -> None:
    configuration = load_configuration(config=EXAMPLE, environment={}, redaction=LogRedaction())
    configuration.check()
    assert {each.name for each in configuration.alerts.receivers} == {
        "floor channel",
        "night shift",
        "erp",
        "phones",
        "telegram",
    }
    assert configuration.is_broker_configured


@pytest.mark.parametrize("section", SECTIONS)
def test_the_example_configuration_shows_every_key_of_a_section(section: str) -> None:
    text = EXAMPLE.read_text("utf-8")
    own = "".join(re.findall(rf"(?ms)^\[+{section}\]+$.*?(?=^\[|\Z)", text))
    assert own, f"[{section}] is missing"
    (field,) = section_model(section).model_fields.values()
    (model,) = models_in(field.annotation)
    missing = [key for key in model.model_fields if not re.search(rf"(?m)^(# )?{key} = ", own)]
    assert missing in ([], ["rules", "receivers"])


def test_the_documents_link_to_files_that_exist() -> None:
    for file in GENERATED:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", (DOCS / file).read_text("utf-8")):
            assert ((DOCS / file).parent / target).exists() or Path(target).name == "alerts.md", target
