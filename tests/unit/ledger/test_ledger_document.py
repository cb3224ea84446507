import re
from pathlib import Path

from farm.ledger import schema
from farm.ledger.engine import check_url

DOCUMENT = (Path(__file__).parents[3] / "docs" / "ledger.md").read_text("utf-8")


def test_the_document_tells_of_every_table_and_of_no_other() -> None:
    part = DOCUMENT.split("## Tables")[1].split("\n## ")[0]
    told = {
        name
        for line in re.findall(r"^\| (`.*?`) \|", part, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", line)
    }
    assert told == set(schema.metadata.tables)


def test_the_urls_of_the_document_are_allowed() -> None:
    urls = re.findall(r"^\| `((?:sqlite|postgresql):[^`]*)`", DOCUMENT, re.MULTILINE)
    assert len(urls) == 3
    for url in urls:
        check_url(url)
