"""Makes a running server refuse things, and shows what the client makes of each refusal.

    python3 errors.py --url http://127.0.0.1:8080
"""

import http.client
import json
import urllib.parse

from import_profiles import parser
from rollcall import ERRORS, CallError, Rollcall


def main():
    arguments = parser().parse_args()
    rollcall = Rollcall(arguments.url, arguments.token, arguments.db)
    for name, parameters in refused():
        try:
            rollcall.call(name, parameters)
        except CallError as refusal:
            print(f"{type(refusal).__name__} {refusal}")
    for method, media_type in [("PUT", "application/json"), ("POST", "text/plain")]:
        number, text = sent_by_hand(arguments.url, method, media_type)
        print(f"{ERRORS[number].__name__} {ERRORS[number](number, text)}")


def refused():
    """Calls that this client can make and that no server does."""
    ann, bob = "ann@example.com", "bob@example.com"
    yield "profiles/import", {"email": ann, "data": {"phones": ["12"]}}
    yield "profiles/import", {"token": None, "email": ann, "data": {}}
    yield "profiles/import", {"token": "a guess", "email": ann, "data": {}}
    yield "profiles/import", {"db_id": 4711, "email": ann, "data": {}}
    yield "profiles/get", {"email": "somebody.else@example.com"}
    yield "profiles/forget", {}
    yield "profiles/import", {"email": ann, "data": {"email": ann}}  # these two are taken
    yield "profiles/import", {"email": bob, "data": {"email": bob}}
    yield "profiles/import", {"email": bob, "data": {"email": ann}}
    yield "profiles/import", {"email": ann, "data": {"_vendor": "x" * 11_000_000}}


def sent_by_hand(url, method, media_type):
    """What the client never does: another method, another media type."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)
    connection.request(method, "/api/v1.1/profiles/import", b"{}", {"Content-Type": media_type})
    answer = json.loads(connection.getresponse().read())
    return answer["error"], answer["error_text"]


if __name__ == "__main__":
    main()
