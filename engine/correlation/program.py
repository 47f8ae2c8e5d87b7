"""Rules, ready to be run over facts again and again."""

from __future__ import annotations

from collections.abc import Iterable

from engine.correlation.checking import flaws
from engine.correlation.compiling import compiled, fields_read
from engine.correlation.running import Run, Stage, Unit
from engine.correlation.values import Fact, Found, Rule, Schema
from engine.correlation.worker import SHARED, Worker
from engine.errors import CorrelationError, Text


class Program:
    """Rules over facts of the kinds in ``schema`` (those that rules give included).

    Raises :class:`~engine.errors.CorrelationError` for the first of :func:`~engine.correlation.checking.flaws`; ask for those before, to
    tell all.
    """

    def __init__(self, rules: Iterable[Rule], schema: Schema, worker: Worker = SHARED) -> None:
        rules = tuple(rules)
        found = flaws(rules, schema)
        if found:
            flaw = found[0]
            where = flaw.rule + (f", {flaw.binding}" if flaw.binding else "")
            raise CorrelationError(Text(f"{where}: {flaw.text.en}", f"{where}：{flaw.text.zh}"))
        self.rules = rules
        self.schema = schema
        self.worker = worker
        self._fields = fields_read(rules, schema)
        self._stages = [Stage(Unit.of(whole), tuple(map(Unit.of, parts))) for whole, parts in compiled(rules, schema)]

    def run(self, facts: Iterable[Fact]) -> Found:
        """Everything that the rules say of these facts, in the order of rules (by stratum) and scopes (as facts come).

        Raises :class:`~engine.errors.CorrelationError` when a fact's value has another type than its field, when two facts have one id, or
        when the inference engine cannot be started. What fails in one scope is a :class:`~engine.correlation.values.Failure` there.
        """
        run = Run(self._fields, self.worker)
        run.learn(facts)
        for stage in self._stages:
            run.evaluate(stage)
        return Found(tuple(run.matches), tuple(run.derived.values()), tuple(run.failures))
