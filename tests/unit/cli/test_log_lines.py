"""The lines of the log."""

import logging

import pytest

from roadstead.cli.log_lines import TEXT_FORMAT, TextFormatter


@pytest.mark.parametrize("created", [1_767_225_599.9994, 1_767_225_600.0, 1_767_225_600.25])
def test_the_text_is_what_logging_writes_by_default(created: float) -> None:
    record = logging.LogRecord("roadstead.http", logging.INFO, "", 0, "a %s", ("line",), None)
    record.created, record.msecs = created, created % 1 * 1000
    formatter = TextFormatter()
    assert formatter.format(record) == logging.Formatter(TEXT_FORMAT).format(record)


def test_the_time_is_that_of_the_record_and_not_of_the_one_before() -> None:
    formatter, lines = TextFormatter(), []
    for created in (1_767_225_600.0, 1_767_225_600.5, 1_767_225_601.0, 1_767_225_600.0):
        record = logging.makeLogRecord({"created": created, "msecs": created % 1 * 1000})
        lines.append(formatter.formatTime(record))
    assert len(set(lines)) == 3
    assert lines[0] == lines[3]
