"""The ledger as the collector writes it: claims, commits, and what it reads to go on."""

from operator import itemgetter

import msgspec
from sqlalchemy import Connection, and_, delete, func, or_, select, tuple_

from farm.errors import LeaseLost, LedgerError
from farm.ledger import rows, schema
from farm.ledger.batch import Batch
from farm.ledger.collector_statements import CollectorStatements, collector_statements
from farm.ledger.engine import refusals
from farm.ledger.feed_log import append_feed, hold_feed
from farm.ledger.kind_of_time import advance_simulated_now, settle_kind
from farm.ledger.records import Checkpoint, Evidence, KnownRow, Lease, Receipt, SessionRecord, Snapshot
from farm.ledger.retention import LedgerRetention
from farm.model.job import Job
from farm.model.operator_input import OperatorInput
from farm.model.printer import Address, Printer

MOST_REJECTED_KEPT = 500
"""How many messages that could not be digested are kept for looking at."""


class CollectorLedger(LedgerRetention):
    """`CollectorLedger` over SQL. It holds one claim at most, of its last call of `claim`."""

    _epoch = 0
    _simulated = False

    def claim(self, client_id: str, holder: str, *, simulated: bool, now_ms: int) -> int | None:
        """Take over the shard `client_id` for `holder`; the former holder is fenced off.

        Gives the instant (ms) until which the former holder had booked, or None for a new
        shard. Raises LedgerError when the ledger holds the other kind of time.
        """
        with self._writes() as connection:
            settle_kind(connection, simulated=simulated)
            booked_ms = 0 if simulated else now_ms
            taken = self._statements.claim.run_one(connection, client_id, 1, holder, booked_ms, 1)
        epoch, booked_until_ms = taken or (1, 0)
        self._client_id, self._epoch, self._simulated = client_id, epoch, simulated
        return booked_until_ms if epoch > 1 and booked_until_ms > 0 else None

    def leases(self) -> list[Lease]:
        """Who holds which shard, by client id."""
        held = schema.collector.c
        wanted = select(held.client_id, held.epoch, held.holder, held.booked_until_ms, held.beats)
        with self._reads() as connection:
            return [Lease(*row) for row in connection.execute(wanted.order_by(held.client_id))]

    def beat(self) -> None:
        """Tell others that the holder of the claim lives. Raises LeaseLost when the shard was taken over."""
        with self._writes() as connection:
            self._hold(connection, 0)

    def release(self) -> None:
        """Leave the claimed shard in order, so that another may take it at once."""
        if self._client_id is not None:
            with self._writes() as connection:
                self._statements.release.run(connection, [(self._client_id, self._epoch)])

    def commit(self, batch: Batch) -> None:
        """Book the batch durably, or nothing of it.

        Raises LeaseLost when the shard was taken over, LedgerError when nothing is claimed,
        BatchRefused when the batch holds what the ledger cannot (a text with a NUL, a job of
        an unknown printer), and LedgerUnreachable when the database does not answer; whether
        the batch was booked is not known then, so read the checkpoints again before going on.
        """
        statements = self._statements
        with refusals(self.engine), self._writes() as connection:
            client_id = self._hold(connection, batch.booked_until_ms)
            self._book_printers(connection, client_id, batch)
            statements.addresses.run(connection, [rows.address_row(*each) for each in batch.addresses])
            self._book_jobs(connection, batch)
            self._book_time(connection, batch)
            statements.checkpoints.run(connection, map(rows.as_row, batch.checkpoints))
            statements.sessions.run(connection, map(rows.session_row, batch.sessions))
            # In one order, so that two collectors never wait for each other.
            statements.faults.run(connection, sorted(map(rows.as_row, batch.faults), key=itemgetter(0, 1)))
            self._keep_rejected(connection, batch)
            statements.taken_inputs.run(
                connection, [(batch.booked_until_ms, said.answer, said.id) for said in batch.taken_inputs]
            )
            self._book_revisions(connection, batch)
            self._book_receipts(connection, client_id, batch)
            self._append(connection, batch)

    def receipts(self) -> list[Receipt]:
        """The receipts of the claimed shard, by number."""
        receipt = schema.receipt.c
        wanted = select(receipt.number, receipt.body).where(receipt.client_id == self._client_id)
        with self._reads() as connection:
            return [Receipt(*row) for row in connection.execute(wanted.order_by(receipt.number))]

    def known_rows(self) -> list[KnownRow]:
        """The fingerprints of the messages that the claimed shard worked in lately, by number."""
        known = schema.known_message.c
        wanted = select(known.number, known.body).where(known.client_id == self._client_id)
        with self._reads() as connection:
            return [KnownRow(*row) for row in connection.execute(wanted.order_by(known.number))]

    def known_row_sizes(self) -> list[tuple[int, int]]:
        """Number and size (bytes) of each of the `known_rows`."""
        known = schema.known_message.c
        wanted = select(known.number, func.length(known.body)).where(known.client_id == self._client_id)
        with self._reads() as connection:
            return [(row[0], row[1]) for row in connection.execute(wanted.order_by(known.number))]

    def known_printers(self) -> list[tuple[Printer, list[Address]]]:
        """Every printer with its addresses."""
        with self._reads() as connection:
            addresses = connection.execute(select(schema.printer_address)).mappings().all()
            printers = (
                connection.execute(select(schema.printer).order_by(schema.printer.c.name)).mappings().all()
            )
        reached: dict[str, list[Address]] = {row["id"]: [] for row in printers}
        for row in addresses:
            reached[row["printer_id"]].append(Address(row["broker"], row["adapter"], row["prefix"]))
        return [(rows.printer_of(row), sorted(reached[row["id"]])) for row in printers]

    def printers_booked_here(self) -> frozenset[str]:
        """The ids of the printers that the claimed shard booked last."""
        return frozenset() if self._client_id is None else self.printers_booked_by(self._client_id)

    def printers_booked_by(self, client_id: str) -> frozenset[str]:
        """The ids of the printers that the shard `client_id` booked last."""
        wanted = select(schema.printer.c.id).where(schema.printer.c.collector == client_id)
        with self._reads() as connection:
            return frozenset(connection.execute(wanted).scalars())

    def checkpoints(self) -> list[Checkpoint]:
        """Every printer's checkpoint."""
        with self._reads() as connection:
            return [Checkpoint(**row) for row in connection.execute(select(schema.checkpoint)).mappings()]

    def checkpoint(self, printer_id: str) -> Checkpoint | None:
        """One printer's checkpoint."""
        wanted = select(schema.checkpoint).where(schema.checkpoint.c.printer_id == printer_id)
        with self._reads() as connection:
            row = connection.execute(wanted).mappings().first()
        return None if row is None else Checkpoint(**row)

    def sessions(self) -> list[SessionRecord]:
        """Every address's session."""
        with self._reads() as connection:
            return [rows.session_of(row) for row in connection.execute(select(schema.session)).mappings()]

    def waiting_inputs(self, limit: int = 100) -> list[int]:
        """The ids of what people said that is still to be worked in, in the order in which it was said.

        Of the printers that the claimed shard booked last, or that no collector booked yet.
        An entry waits until a commit marks it as taken. There is no cursor to read on from: on
        PostgreSQL an entry can become visible after one with a higher id was worked in.
        """
        said, printer = schema.operator_input.c, schema.printer.c
        ours = or_(printer.collector == self._client_id, printer.collector.is_(None))
        wanted = (
            select(said.id)
            .join(schema.printer, printer.id == said.printer_id)
            .where(said.taken_ms.is_(None), ours)
            .order_by(said.id)
            .limit(limit)
        )
        with self._reads() as connection:
            return list(connection.execute(wanted).scalars())

    def waiting_input(self, input_id: int) -> OperatorInput | None:
        """The entry, None where it was worked in already. Raises msgspec.DecodeError where it is no word."""
        said = schema.operator_input.c
        wanted = select(schema.operator_input).where(said.id == input_id, said.taken_ms.is_(None))
        with self._reads() as connection:
            row = connection.execute(wanted).mappings().first()
        return None if row is None else rows.operator_input_of(row)

    def open_jobs(self) -> list[Job]:
        """Jobs without an outcome."""
        with self._reads() as connection:
            found = connection.execute(select(schema.job).where(schema.job.c.ended_ms.is_(None)))
            return [rows.job_of(row) for row in found.mappings()]

    def jobs_of(self, printer_id: str, since_ms: int) -> list[Job]:
        """The printer's jobs whose end, or where open whose start, is at or after `since_ms`.

        By end, the open ones last; an open one whose start is not known is always there.
        """
        job = schema.job.c
        under_way = and_(job.ended_ms.is_(None), or_(job.started_ms.is_(None), job.started_ms >= since_ms))
        wanted = (
            select(schema.job)
            .where(job.printer_id == printer_id, or_(job.ended_ms >= since_ms, under_way))
            .order_by(job.ended_ms.is_(None), job.ended_ms, job.started_ms, job.id)
        )
        with self._reads() as connection:
            return [rows.job_of(row) for row in connection.execute(wanted).mappings()]

    def snapshot_before(self, printer_id: str, at_ms: int) -> Snapshot | None:
        """The last snapshot whose instant is before `at_ms`.

        Where there is none, the printer is run again from its first sight, unless `evidence_cut`
        says that what came first is no longer kept.
        """
        stone = schema.snapshot.c
        wanted = (
            select(schema.snapshot)
            .where(stone.printer_id == printer_id, stone.at_ms < at_ms)
            .order_by(stone.at_ms.desc(), stone.ordinal.desc())
            .limit(1)
        )
        with self._reads() as connection:
            row = connection.execute(wanted).mappings().first()
        return None if row is None else Snapshot(**row)

    def job_before_persons(self, job_id: str) -> Job | None:
        """The job's row as it stood before a person first spoke of it, None where nobody did."""
        revision = schema.revision.c
        wanted = (
            select(revision.before)
            .where(revision.job_id == job_id, revision.who != "collector", revision.before.is_not(None))
            .order_by(revision.id)
            .limit(1)
        )
        with self._reads() as connection:
            found = connection.execute(wanted).scalar()
        return None if found is None else msgspec.json.decode(found, type=Job)

    def evidence_from(self, printer_id: str, at_ms: int, ordinal: int) -> list[Evidence]:
        """Evidence after (`at_ms`, `ordinal`), in order."""
        evidence = schema.evidence.c
        wanted = (
            select(schema.evidence)
            .where(
                evidence.printer_id == printer_id,
                tuple_(evidence.at_ms, evidence.ordinal) > (at_ms, ordinal),
            )
            .order_by(evidence.at_ms, evidence.ordinal)
        )
        with self._reads() as connection:
            return [Evidence(**row) for row in connection.execute(wanted).mappings()]

    @property
    def _statements(self) -> CollectorStatements:
        return collector_statements(self.engine.dialect.name)

    def _hold(self, connection: Connection, booked_until_ms: int) -> str:
        """The shard of the claim. Raises LeaseLost when it is not ours any more."""
        if self._client_id is None:
            raise LedgerError("nothing can be committed before a shard is claimed")
        if self._statements.hold.run_one(connection, self._client_id, self._epoch, booked_until_ms) is None:
            raise LeaseLost(f"another collector has taken over {self._client_id!r}")
        return self._client_id

    def _book_printers(self, connection: Connection, client_id: str, batch: Batch) -> None:
        """The last row of each printer. Names are given up before they are taken: two can swap theirs."""
        last = {printer.id: printer for printer in batch.printers}
        if len(last) > 1:
            self._statements.names_given_up.run(connection, [(each.id, each.name) for each in last.values()])
        self._statements.printers.run(connection, [rows.printer_row(p, client_id) for p in last.values()])

    def _book_jobs(self, connection: Connection, batch: Batch) -> None:
        self._statements.jobs.run(connection, map(rows.as_row, batch.jobs))
        for withdrawal in self._statements.withdrawals:
            withdrawal.run(connection, [(job_id,) for job_id in batch.withdrawn_jobs])
        self._statements.aliases.run(connection, map(rows.as_row, batch.aliases))

    def _book_time(self, connection: Connection, batch: Batch) -> None:
        statements = self._statements
        statements.evidence_cuts.run(connection, batch.evidence_cuts)
        statements.snapshot_cuts.run(connection, batch.snapshot_cuts)
        for cut in statements.span_cuts:
            cut.run(connection, batch.cuts)
        statements.spans.run(connection, map(rows.as_row, batch.spans))
        statements.evidence.run(connection, map(rows.as_row, batch.evidence))
        statements.snapshots.run(connection, map(rows.as_row, batch.snapshots))

    def _keep_rejected(self, connection: Connection, batch: Batch) -> None:
        """The newest `MOST_REJECTED_KEPT` are kept for looking at; all of them are counted as faults."""
        if not batch.rejected:
            return
        self._statements.rejected.run(connection, map(rows.as_row, batch.rejected))
        kept = schema.rejected_message.c
        newest = connection.execute(select(func.max(kept.id))).scalar_one()
        connection.execute(delete(schema.rejected_message).where(kept.id <= newest - MOST_REJECTED_KEPT))

    def _book_revisions(self, connection: Connection, batch: Batch) -> None:
        withdrawn = set(batch.withdrawn_jobs)
        self._statements.revisions.run(
            connection,
            (rows.revision_row(each, without_job=each.job_id in withdrawn) for each in batch.revisions),
        )

    def _book_receipts(self, connection: Connection, client_id: str, batch: Batch) -> None:
        if batch.receipt is not None:
            self._statements.receipts.run(connection, [(client_id, *batch.receipt)])
        if batch.receipts_confirmed:
            self._statements.receipt_cuts.run(connection, [(client_id, batch.receipts_confirmed)])
        if batch.known is not None:
            self._statements.known.run(connection, [(client_id, *batch.known)])
        if batch.known_cut:
            self._statements.known_cuts.run(connection, [(client_id, batch.known_cut)])

    def _append(self, connection: Connection, batch: Batch) -> None:
        """What is read by cursor comes last, in the order in which transactions end."""
        if batch.telemetry:
            hold_feed(connection)
            self._statements.telemetry.run(connection, map(rows.telemetry_row, batch.telemetry))
        append_feed(connection, batch.feed)
        if self._simulated:
            advance_simulated_now(connection, batch.booked_until_ms)
