"""A program, not a module of tests: `firsthand`, whose pages take for ever to read."""

from crawler import cli, pages
from tests.hostile.workers import spin

if __name__ == "__main__":
    pages.intake.take_page = spin
    cli.main()
