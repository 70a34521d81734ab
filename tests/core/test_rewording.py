"""What may be the same report in other words is offered, never decided."""

from types import SimpleNamespace

from crawler import deduplicate
from crawler.core import boilerplate, rewording
from crawler.core.text import Body
from crawler.core.types import Relation
from crawler.dedup import Document

RETOLD = """Port Ellery will shut its former grain terminal: on Tuesday the harbour councillors handed the ground to a railway company.
There were eleven votes for it out of fifteen. Since January, when a survey came out, people had argued about little else.
In nine years out of ten the terminal made losses, and the cranes would fail any inspection, Maren Holt reminded everybody.
Boats next to it wanted one season more; half of their quay will be needed for the railway.
The company answers that forty metres stay free for moorings, and that an ice house is built first, before autumn.
Signatures against it came to six thousand, or every fourth of the adults, yet the petition was inadmissible.
Now the regional court shall hear them, perhaps in May."""


def body(id_: str, text: str, source: str = "") -> Body:
    return boilerplate.strip(id_, source or id_, text, "", set())


def test_a_retold_article_is_offered_with_what_only_the_two_share(prose: SimpleNamespace) -> None:
    (link,) = rewording.possible(body("retold", RETOLD), [body("told", prose.harbour), body("other", prose.market)])
    assert (link.relation, link.a, link.b) == (Relation.REWORDING, "retold", "told")
    shared = [RETOLD[one.a_start:one.a_end] for one in link.phrases]
    assert "inspection" in " ".join(shared)
    assert all(prose.harbour[one.b_start:one.b_end] for one in link.phrases)


def test_it_is_found_among_documents_and_is_no_copy(prose: SimpleNamespace) -> None:
    result = deduplicate([Document("told", prose.harbour, source="Post"), Document("retold", RETOLD, source="Gull"),
                          Document("other", prose.market, source="Times")])
    assert [(one.relation, {one.a, one.b}) for one in result.links] == [("rewording", {"told", "retold"})]
    assert {row.role for row in result.rows} == {"single"}


def test_nothing_is_offered_of_ones_own_source_nor_of_a_copy(prose: SimpleNamespace) -> None:
    assert rewording.possible(body("a", RETOLD, "Post"), [body("b", prose.harbour, "Post")]) == []
    copied = deduplicate([Document("a", prose.harbour, source="Post"),
                          Document("b", prose.harbour + "\nMore follows.", source="Gull")])
    assert copied.links == ()


def test_copies_of_one_telling_hide_nothing_and_are_offered_once(prose: SimpleNamespace) -> None:
    others = [body(f"n{n}", prose.harbour.replace("forty", f"{n} and forty")) for n in range(10)]
    for count in (1, 2, 4, 10):
        assert [link.b for link in rewording.possible(body("retold", RETOLD), others[:count])] == ["n0"]


def test_two_that_quote_the_same_people_are_related_already() -> None:
    quote = ('"We are not selling our history, we are selling a roof that leaks and a floor that gives way under any man who carries '
             'more than his own hat, and whoever says otherwise has not stood on it since the winter of the great ice"')
    one = f"Mayor Holt defended the sale of the terminal on Tuesday before the harbour council of Port Ellery. {quote}, she said."
    other = f"There were cheers when Mayor Holt spoke about the terminal to the harbour council of Port Ellery. {quote}, she told them."
    assert deduplicate([Document("a", one, source="A"), Document("b", other, source="B")]).links == ()
    assert deduplicate([Document("b", one, source="A"), Document("a", other, source="B")]).links == ()
