"""What sites say of themselves around the articles they carry, in the languages of `words.tsv`.

Sites that take articles wrap them in phrases of their own: "this item was quoted automatically from its primary
source", "Source: …", "Welcome, dear readers", "Thank you for reading". The wordings are endless, the vocabulary is not.
So the tables hold words by the part they play (this, item, copied, source, …), and the rules ask which parts a sentence
has, in what order, and how much of it they leave unexplained: a sentence that declares a copy says little else, whereas
one that discusses or reports copying has words that no declaration needs. See `rules` for the theory.
"""

from crawler.core.phrases.agencies import agency
from crawler.core.phrases.finding import Hit, find, is_site_phrase, site_phrases, source_label
from crawler.core.phrases.walls import wall

__all__ = ["Hit", "agency", "find", "is_site_phrase", "site_phrases", "source_label", "wall"]
