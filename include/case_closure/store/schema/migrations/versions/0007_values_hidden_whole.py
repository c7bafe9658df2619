"""Values that were stored with their last characters to be read are hidden whole, as new ones are."""

from __future__ import annotations

from alembic import op

from case_closure.domain.masking import HIDDEN, PERSONAL

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_FIELDS = ", ".join(f"'{name}'" for name in sorted(PERSONAL))


def upgrade() -> None:
    # Of a NINO the end stays where the row as it came has one in a valid shape; of several rows the first is shown.
    op.execute(
        rf"""
        update closure.exceptions e set value = case when o.bare ~ '^[A-Z]{{2}}[0-9]{{6}}[A-Z]$' then '{HIDDEN}' || right(o.bare, 3)
            else '{HIDDEN}' end
        from (select exception_id, upper(replace(substring(original from '"' || field || '": "([^"]*)"'), ' ', '')) as bare
              from closure.exceptions where field like '%nino%' and value is not null) o
        where o.exception_id = e.exception_id
        """
    )
    op.execute(
        rf"""
        update closure.exceptions set value = '{HIDDEN}' where value is not null and field not like '%nino%'
            and (field in ({_FIELDS}) or field = 'value' and value !~ '^[-+£0-9., ]*$')
        """
    )


def downgrade() -> None:
    """What is hidden stays hidden."""
