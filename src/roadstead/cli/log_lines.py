"""The log of ``roadstead serve``: lines for people, or one JSON object each."""

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Literal

TEXT_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class TextFormatter(logging.Formatter):
    """A line for people; the date and time are put into words once a second, not once a line."""

    def __init__(self) -> None:
        super().__init__(TEXT_FORMAT)
        self._second = -1
        self._words = ""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """Local time with milliseconds, as logging writes it by default."""
        second = int(record.created)
        if second != self._second:
            words = time.strftime(self.default_time_format, time.localtime(second))
            self._second, self._words = second, words
        return f"{self._words},{int(record.msecs):03d}"


class JsonFormatter(logging.Formatter):
    """One JSON object on one line: ``at``, ``level``, ``logger``, ``message``, maybe ``trace``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up(shape: Literal["text", "json"], level: str) -> None:
    """Sends the log of this process to stderr."""
    # No line names the source file, thread or process, and finding them out costs as much as the
    # rest of a line. Source: the logging HOWTO, "Optimization".
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if shape == "json" else TextFormatter())
    logging.basicConfig(handlers=[handler], level=level.upper())
