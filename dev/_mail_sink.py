"""A mail server for demonstrations: it keeps every message in a folder, and none leaves the machine."""

from __future__ import annotations

import itertools
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path

MULTILINE_END = b".\r\n"


def start_mail_sink(folder: Path, on_message: Callable[[], None] = lambda: None) -> int:
    """Serve in the background for as long as this process lives, and return the port.

    `on_message` is called when a message is kept and its sender does not know it yet.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = itertools.count(1)

    class Session(socketserver.StreamRequestHandler):
        """The few SMTP commands that a sender needs."""

        def handle(self) -> None:
            self.reply("220 ready")
            for line in self.rfile:
                command = line[:4].upper()
                if command == b"DATA":
                    self.reply("354 go on")
                    self.keep_message()
                    on_message()
                    self.reply("250 kept")
                elif command == b"QUIT":
                    self.reply("221 bye")
                    return
                else:
                    self.reply("250 ok")

        def keep_message(self) -> None:
            lines = itertools.takewhile(lambda line: line != MULTILINE_END, self.rfile)
            path = folder / f"{next(numbers):05}.eml"
            path.write_bytes(b"".join(line[1:] if line.startswith(b"..") else line for line in lines))

        def reply(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_address[1])
