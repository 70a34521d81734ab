"""check, config schema: the configuration before anything runs."""

import click

from crawler.cli import Options, pass_options


@click.command()
@pass_options
def check(options: Options) -> None:
    """Validate the configuration and print the effective settings.

    Every mistake is named at once, one line each: FILE:LINE: path: reason. Warnings do not fail. Secrets are masked.

    \b
    Example:
      firsthand check
      firsthand -c /etc/firsthand.yaml check
    """
    from crawler.config.shown import dump
    from crawler.log import escape, redact

    loaded = options.load()
    for warning in loaded.warnings:
        click.echo(f"warning: {redact(warning)}", err=True)
    # Names of feeds come from OPML files that others made.
    click.echo("\n".join(map(escape, dump(loaded.settings, loaded.secrets).split("\n"))), nl=False)


@click.group()
def config() -> None:
    """What the configuration may hold.

    \b
    Example:
      firsthand config schema > firsthand.schema.json
    """


@config.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors.

    \b
    Example, with a language server for YAML: put this line on top of the configuration
      # yaml-language-server: $schema=firsthand.schema.json
    and write the file with
      firsthand config schema > firsthand.schema.json
    """
    import json

    from crawler.config.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
