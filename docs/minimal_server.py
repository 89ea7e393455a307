"""The smallest server worth judging: one database in memory, in JSON and XML, and two matching modes of eleven.

docs/implementers.md begins with it. Run: python3 docs/minimal_server.py [PORT]; no port takes a free one.
"""

import json
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

TOKEN, DATABASE = "abcdefghijklmnqrstuvwxyz", "1"
PROFILES, LOCK = {}, threading.Lock()


def subscribed(profile, name):
    """The addresses of this name in the profile's subscriptions."""
    return [each.get(name) for each in as_list(profile.get("subscriptions")) if isinstance(each, dict)]


# What each mode searches by: the places in a profile where its value may stand.
SEARCHED = {
    "email": lambda profile: [profile.get("email")],
    "phone": lambda profile: as_list(profile.get("phones")) + subscribed(profile, "phone"),
}


class Refused(Exception):
    """The sender's fault: a number and a text."""


def take(body):
    """Takes an import, and gives the id of its profile."""
    if not isinstance(body, dict) or body.get("token") != TOKEN:
        raise Refused(403, "token")
    if str(body.get("db_id")) != DATABASE:
        raise Refused(404, "db_id")
    data, mode = body.get("data"), body.get("matching", "email")
    if not isinstance(data, dict):
        raise Refused(400, "data is not an object")
    if mode not in SEARCHED:
        raise Refused(400, f"matching {mode} is not served yet")
    wanted = body.get(mode)
    if not wanted:
        raise Refused(400, f"{mode} is missing")
    with LOCK:
        found = [known for known, profile in PROFILES.items() if wanted in SEARCHED[mode](profile)]
        known = found[0] if found else uuid.uuid4().hex
        PROFILES.setdefault(known, {}).update(data)
    return known


def as_list(value):
    return value if isinstance(value, list) else [value]


def from_xml(element):
    """Elements with children are objects; repeated ones, and those that say so, are lists."""
    if len(element) == 0:
        return element.text or ""
    members = {}
    for child in element:
        members.setdefault(child.tag, []).append(child)
    is_list = lambda items: len(items) > 1 or items[0].get("array") == "true"
    return {name: [from_xml(item) for item in items] if is_list(items) else from_xml(items[0])
            for name, items in members.items()}


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # cases about races open many connections at once


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept
    disable_nagle_algorithm = True  # an answer is sent when it is written

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            is_xml = "xml" in self.headers.get("Content-Type", "")
            known = take(from_xml(ElementTree.fromstring(body)) if is_xml else json.loads(body))
            self.reply({"error": 0, "error_text": "Successful operation", "profile_id": known})
        except Refused as refused:
            number, text = refused.args
            self.reply({"error": number, "error_text": text})
        except (ValueError, ElementTree.ParseError) as error:
            self.reply({"error": 400, "error_text": str(error)})
        except Exception as error:  # a fault of ours is answered too, or it would look like a dead server
            self.reply({"error": 500, "error_text": repr(error)})

    def reply(self, answer):
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Handler)
    print(f"listening on http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
