"""Great Expectations on DuckDB: a contract's suite run on one candidate table, its result kept as evidence.

Belongs here: the library's context and settings, running, and what may leave with a result. Keep out: which
expectation stands for which rule (``data_contracts.to_expectations``) and what follows from an outcome.

The library takes seconds to import, so it is imported on first use, once per process. Its own connections go
to the database file that the engine already holds open: same file and settings, hence the same DuckDB
instance and the catalogs attached to it. They must be closed before that file is copied or closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from data_contracts.model import TableContract
from data_contracts.to_expectations import ExpectationSpec, Outcome, batch_query, outcome_of, suite_of

# The library reads a cursor after giving its connection back; with these the cursor survives that.
_DRIVER = {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True, "pool_reset_on_return": None}
_NO_VALUES = ("element_count", "observed_value", "unexpected_count")


@dataclass(frozen=True)
class SuiteRun:
    """What one suite found on one candidate table.

    ``outcomes``: by rule id, one for every rule of the contract. ``evidence``: the library's validation
    result as JSON, in rule order, without wall-clock times and without any value of a restricted column.
    """

    table: str
    outcomes: Mapping[str, Outcome]
    evidence: Mapping[str, Any]


class Expectations:
    """Runs suites for the length of one run; a context manager, closed before the database file is copied.

    ``url``: SQLAlchemy URL of the warehouse file, which this process holds open with ``private`` attached.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._context: Any = None
        self._source: Any = None
        self._suites: dict[str, tuple[TableContract, tuple[ExpectationSpec, ...], Any]] = {}
        self._batches: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, contract: TableContract, candidate: str) -> SuiteRun:
        """Run the contract's suite on a committed candidate table (``private.candidate.<table>``).

        What an expectation meets in table or data is its outcome "could not run"; an exception here means
        that the database file itself cannot be reached.
        """
        specs, suite = self._suite(contract)
        result = self._batch(candidate).validate(suite, result_format="SUMMARY").to_json_dict()
        found = {r["expectation_config"]["meta"]["rule_id"]: r for r in result["results"]}
        outcomes = {spec.rule_id: outcome_of(spec, found[spec.rule_id]) for spec in specs}
        kept = [_evidence(spec, found[spec.rule_id], outcomes[spec.rule_id]) for spec in specs]
        meta = {k: v for k, v in result["meta"].items() if k != "batch_markers"}
        return SuiteRun(contract.name, outcomes, {**result, "meta": meta, "results": kept})

    def close(self) -> None:
        """Close every connection of the library; a later :meth:`run` opens new ones."""
        if self._source is not None:
            self._source.get_engine().dispose()
            self._source.get_execution_engine().engine.dispose()
        self._context = self._source = None
        self._batches.clear()

    def _suite(self, contract: TableContract) -> tuple[tuple[ExpectationSpec, ...], Any]:
        known, specs, suite = self._suites.get(contract.name, (None, (), None))
        if known is not contract:
            specs = suite_of(contract)
            suite = _library().ExpectationSuite(
                name=contract.name, expectations=[_expectation(s) for s in specs]
            )
            self._suites[contract.name] = (contract, specs, suite)
        return specs, suite

    def _batch(self, candidate: str) -> Any:
        if self._source is None:
            self._context = _quiet_context()
            self._source = self._context.data_sources.add_sql(
                name="warehouse", connection_string=self._url, create_temp_table=False, kwargs=dict(_DRIVER)
            )
        if candidate not in self._batches:
            asset = self._source.add_query_asset(name=candidate, query=batch_query(candidate))
            self._batches[candidate] = asset.add_batch_definition_whole_table("all")
        return self._batches[candidate].get_batch()


def write_data_docs(
    evidence: Iterable[Mapping[str, Any]], directory: Path, *, run: str, known_at: datetime
) -> Path:
    """Render the evidence of a run's suites as Data Docs (static HTML) and return the index page.

    ``run``: name of the run; ``known_at``: its clock, which the pages show. Reads the evidence alone, so the
    pages can be written at any later time and in another process.
    """
    _library()
    from great_expectations.core.expectation_validation_result import expectationSuiteValidationResultSchema
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    context = _quiet_context()
    run_id = RunIdentifier(run_name=run, run_time=known_at)
    for one in evidence:
        meta = {**one["meta"], "run_id": run_id.to_json_dict(), "validation_time": known_at.isoformat()}
        result = expectationSuiteValidationResultSchema.load({**one, "meta": meta})
        key = ValidationResultIdentifier(
            ExpectationSuiteIdentifier(name=one["suite_name"]), run_id, batch_identifier=one["suite_name"]
        )
        context.validation_results_store.add(key=key, value=result)
        context.suites.add(
            _library().ExpectationSuite(name=one["suite_name"], expectations=_configurations(one))
        )
    context.add_data_docs_site(site_name="run", site_config=_site(directory))
    context.build_data_docs(site_names=["run"])
    return directory / "index.html"


def _configurations(evidence: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = [result["expectation_config"] for result in evidence["results"]]
    return [{**f, "kwargs": {k: v for k, v in f["kwargs"].items() if k != "batch_id"}} for f in found]


def _site(directory: Path) -> dict[str, Any]:
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(directory)},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }


@cache
def _library() -> Any:
    import great_expectations

    return great_expectations


def _quiet_context() -> Any:
    context = _library().get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return context


def _expectation(spec: ExpectationSpec) -> Any:
    from great_expectations.expectations.metadata_types import FailureSeverity
    from great_expectations.expectations.registry import get_expectation_impl

    return get_expectation_impl(spec.type)(
        **spec.kwargs,
        severity=FailureSeverity.CRITICAL if spec.severity == "error" else FailureSeverity.WARNING,
        description=f"{spec.rule_id}: broken where {spec.message}",
        notes=[spec.cure],
        meta={"rule_id": spec.rule_id},
    )


def _evidence(spec: ExpectationSpec, result: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    """One result as it may be kept: tracebacks cut to the outcome's reason, restricted values left out."""
    found = result.get("result") or {}
    if spec.restricted:
        found = {k: v for k, v in found.items() if k in _NO_VALUES}
    # The pages want a text for the traceback of a failure, and a traceback may quote values.
    info = {
        "raised_exception": outcome.could_not_run is not None,
        "exception_message": outcome.could_not_run,
        "exception_traceback": "",
    }
    return {**result, "result": found, "exception_info": info}
