"""A receiver of events, to be tried beside a server: checks each signature and shows what came.

    python3 receiver.py --secret SECRET --listen 127.0.0.1:9000

GET / answers with the events that came, one a line, as soon as there are some.
"""

import argparse
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOO_OLD = 300  # seconds: what is older may have been recorded by somebody else


class Events:
    """The events that came, each once and in their order."""

    def __init__(self):
        self.seen = {}
        self.came = threading.Condition()

    def add(self, event):
        with self.came:
            # At least once is sometimes twice: the id tells.
            self.seen.setdefault(event["id"], event)
            self.came.notify_all()

    def wait(self):
        with self.came:
            self.came.wait_for(lambda: self.seen, timeout=60)
            return list(self.seen.values())


def is_signed(header, body, secret):
    """Whether whoever sent the body knows the secret, and has sent it just now."""
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    moment, signature = parts.get("t", ""), parts.get("v1", "")
    expected = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    is_fresh = moment.isdigit() and abs(time.time() - int(moment)) < TOO_OLD
    return is_fresh and hmac.compare_digest(expected, signature)


def handler(secret, events):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not is_signed(self.headers.get("X-Rollcall-Signature", ""), body, secret):
                return self.reply(403, b"not signed with my secret\n")
            event = json.loads(body)
            print(event["event"], event["profile_id"], flush=True)
            events.add(event)
            return self.reply(200, b"")

        def do_GET(self):
            self.reply(200, "".join(json.dumps(event) + "\n" for event in events.wait()).encode())

        def reply(self, status, body):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass  # what came is shown already

    return Handler


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--secret", required=True)
    options.add_argument("--listen", default="127.0.0.1:9000")
    arguments = options.parse_args()
    host, port = arguments.listen.rsplit(":", 1)
    server = ThreadingHTTPServer((host, int(port)), handler(arguments.secret, Events()))
    print(f"listening on http://{host}:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
