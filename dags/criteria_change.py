"""
### A change to the criteria of a tranche

Proposed in a form, shown to the control group as old against new with what it would select, approved or refused, and
only then used (B6). `docs/criteria.md` tells the whole of it.

- **When** a change is to be made: trigger it and fill in the form. Each run is one proposal; several may wait at once.
- **Stages** `propose` checks the form and keeps the proposal; `approve` waits for an answer, under *Required
  actions*; `record` keeps the answer. An approved version counts from the next night on. The proposer cannot approve.
- **When it fails** the red task's log says what to do. A red `propose`: trigger it again with the form mended. A red
  `record`: the approval was not accepted, and the proposal is kept as refused: propose it again. Nothing that was not
  approved ever selects a case.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, task
from asking import Approval
from form_fields import day, several, words
from telling import after_the_last_try, explain, run_in_words

from case_closure.refusals import Refused
from case_closure.settings import Settings

SEGMENTS = {
    "1": "1 nil-assessed", "2": "2 non-compliant", "3": "3 clerical, paying without enforcement",
    "4": "4 the same, on-system", "5": "5 enforced payment",
}  # fmt: skip


FORM = {
    "tranche_id": words("Tranche", "A tranche that there is, to amend it, or a new one."),
    "ocr_reference": words("Operational Change Request", "Its reference."),
    "reason": words("Reason", "Why, in a sentence."),
    "segments": several("Segments", [*SEGMENTS], values_display=SEGMENTS),
    "csa_systems": several("CSA systems", ["CSCS", "CS2", "CCD"]),
    "case_types": several("Case types", ["ONGOING", "ARREARS_ONLY"]),
    "max_cases": Param(
        None, title="Cap", type=["null", "integer"], minimum=0,
        description="Cases, over the life of the tranche. Empty: no cap.",
    ),
    "notice_days": Param(
        180, title="Days of notice", type="integer", minimum=1,
        description="The end liability date is so many days after the selection.",
    ),
    "reminder_days": Param(
        None, title="Days of reminder", type=["null", "integer"], minimum=0,
        description="So many days before the end liability date. Empty: one month.",
    ),
    "valid_from": day("Valid from", "The first night it selects on. Empty: the next."),
    "valid_to": day("Valid to", "The last night it selects on. Empty: until it is amended."),
    "preview_on": day("Preview", "The night whose selection the approver is shown. Empty: the first it is valid on."),
}  # fmt: skip


def tell(error: BaseException, context: Any) -> None:
    tranche, stage = context["params"].get("tranche_id"), context["task_instance"].task_id
    do = "trigger this Dag again, with the form as it should be; until a change is approved, nothing of it is used."
    explain(
        f"The criteria of tranche {tranche} were not changed: refused in {stage}.", str(error), do, context
    )


def keep_proposal(context: Any) -> dict[str, Any]:
    from case_closure.desk import criteria
    from case_closure.domain.permissions import whoever_has_the_shell
    from case_closure.local.store import with_store

    run, form = context["dag_run"], dict(context["params"])
    if not run.triggering_user_name:
        raise Refused(
            "It is not known who proposes this: trigger it from the pages, or by the API as a user."
        )
    on = form.pop("preview_on") or form["valid_from"] or run.run_after.date().isoformat()
    form["segments"] = [int(one) if str(one).isdigit() else one for one in form["segments"]]
    tranche, version, shown = criteria.propose(
        with_store(), form, on=datetime.fromisoformat(on).date(),
        by=whoever_has_the_shell(run.triggering_user_name), run=run.run_id, at=datetime.now(UTC),
    )  # fmt: skip
    return {"tranche_id": tranche, "version": version, "shown": shown}


def record_answer(context: Any) -> str:
    from case_closure.desk import criteria
    from case_closure.domain.permissions import whoever_has_the_shell
    from case_closure.local.store import with_store

    proposal, answer = (context["ti"].xcom_pull(task_ids=name) for name in ("propose", "approve"))
    who = answer and answer["responded_by_user"]  # no answer: somebody marked the task as done
    if not who:
        raise Refused("It is not known who answered, so the proposal stays a proposal.")
    return criteria.decide(
        with_store(), proposal["tranche_id"], proposal["version"],
        approved=answer["chosen_options"] == [Approval.APPROVE], by=whoever_has_the_shell(who["name"]),
        at=answer["responded_at"], comment=answer["params_input"].get("comment") or None,
    )  # fmt: skip


with DAG(
    dag_id="criteria_change",
    dag_display_name="change of tranche criteria",
    description="A change to a tranche's criteria: proposed, approved by the control group, used",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=16,  # a proposal that waits is in no other's way
    default_args={
        "owner": "financial-transition",
        "retries": 2,
        "retry_delay": timedelta(seconds=20),
        "on_failure_callback": after_the_last_try(tell),
    },
    params=FORM,
    tags=["criteria", "by-hand", "financial-transition"],
):

    @task
    def propose(**context: Any) -> dict[str, Any]:
        return run_in_words(lambda: keep_proposal(context), lambda ended: tell(ended, context))

    approve = Approval(
        task_id="approve",
        subject="Tranche {{ params.tranche_id }}: approve the change to its criteria?",
        body="{{ ti.xcom_pull(task_ids='propose')['shown'] }}",
        params={"comment": Param(None, type=["null", "string"], title="Comment")},
        # Airflow itself holds off all others where it is told its numbers for the group; `record` does in any case.
        assigned_users=[
            {"id": number, "name": name}
            for name, number in Settings.from_environment().control_group
            if number
        ],
    )

    @task
    def record(**context: Any) -> str:
        return run_in_words(lambda: record_answer(context), lambda ended: tell(ended, context))

    propose() >> approve >> record()
