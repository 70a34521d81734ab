"""Links between articles that are no copies: what a digest carries, possible rewordings. All is judged anew."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table("links",
    sa.Column("a", sa.Text(), nullable=False),
    sa.Column("b", sa.Text(), nullable=False),
    sa.Column("relation", sa.Text(), nullable=False),
    sa.Column("weight", sa.Float(), nullable=False),
    sa.Column("detail", sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint("a", "b", "relation", name="pk_links")
    )
    # Words are compared without the marks of Latin letters since, and there are keys of another kind.
    op.execute(sa.text("UPDATE articles SET unjudged = (1 = 1) WHERE NOT forgotten"))
    op.create_index("ix_links_b", "links", ["b"], unique=False)
    op.create_index("ix_links_relation_weight", "links", ["relation", "weight"], unique=False)
