"""A client of Rollcall, in Python's standard library alone. It knows what docs/reference says, and nothing else.

    rollcall = Rollcall("http://127.0.0.1:8080", token="...", db_id=1)
    rollcall.call("profiles/import", {"email": "ann@example.com", "data": {"email": "ann@example.com"}})
"""

import http.client
import json
import time
import urllib.parse
from xml.etree import ElementTree

PROFILES = 10_000  # of a batch, at most
BYTES = 10 * 1024 * 1024  # of a body, at most
ATTEMPTS = 8  # at one request


class CallError(Exception):
    """The call was refused: nothing of it was stored."""

    advice = "look at the text"

    def __init__(self, number, text):
        super().__init__(f"{number}: {text}; {self.advice}")
        self.number = number
        self.text = text


class BadRequest(CallError):
    advice = "mend what is named, do not send it again as it is"


class TokenMissing(CallError):
    advice = "give a token"


class TariffLimit(CallError):
    advice = "stop until the next period"


class NoAccess(CallError):
    advice = "use a token that may do this in this database"


class NotFound(CallError):
    advice = "mend the path or db_id, or import the profile first"


class MethodNotAllowed(CallError):
    advice = "send POST"


class Conflict(CallError):
    advice = "look for the profile by something that only it has"


class TooLarge(CallError):
    advice = "send less at once"


class UnsupportedMediaType(CallError):
    advice = "set Content-Type"


class TooManyRequests(CallError):
    advice = "it was sent again and again; send more slowly"


class InternalError(CallError):
    advice = "tell whoever runs the server"


class Unavailable(CallError):
    advice = "it was sent again and again; look at the server"


ERRORS = {
    400: BadRequest,
    401: TokenMissing,
    402: TariffLimit,
    403: NoAccess,
    404: NotFound,
    405: MethodNotAllowed,
    409: Conflict,
    413: TooLarge,
    415: UnsupportedMediaType,
    429: TooManyRequests,
    500: InternalError,
    503: Unavailable,
}

# What is sent again, after as many seconds as the answer asks for. An import may be sent twice: that is one profile.
WAIT_AND_REPEAT = (429, 503)


class Rollcall:
    """A server, and who calls it. Keeps one connection; not for several threads at once."""

    def __init__(self, url, token, db_id, sleep=time.sleep):
        self.url = urllib.parse.urlsplit(url)
        self.caller = {"token": token, "db_id": db_id}
        self.sleep = sleep
        self.connection = None

    def call(self, name, parameters, format="json"):
        """The answer to a call, such as "profiles/import". Raises the CallError of its number."""
        media_type, write, read = FORMATS[format]
        body = write({**self.caller, **parameters})
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer, wait = self._post(f"/api/v1.1/{name}", media_type, body, read)
            except (ConnectionError, http.client.HTTPException):
                self.connection = None  # the next attempt opens another one
                if attempt == ATTEMPTS:
                    raise
                self.sleep(1)
                continue
            number = int(answer["error"])
            if number == 0:
                return answer
            if number not in WAIT_AND_REPEAT or attempt == ATTEMPTS:
                raise ERRORS.get(number, CallError)(number, answer["error_text"])
            self.sleep(wait)

    def _post(self, path, media_type, body, read):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.url.netloc, timeout=60)
        try:
            self.connection.request("POST", path, body, {"Content-Type": media_type})
        except (BrokenPipeError, ConnectionResetError):
            pass  # a server that will not read all of it has answered already
        response = self.connection.getresponse()
        answer = read(response.read())
        return answer, float(response.headers.get("Retry-After", 1))

    def import_many(self, profiles, **parameters):
        """Imports any number of profiles, in batches. Yields each profile with what was answered for it."""
        for batch in batches(profiles):
            yield from self._import_batch(batch, parameters)

    def _import_batch(self, batch, parameters):
        try:
            answer = self.call("profiles/import_batch", {**parameters, "data": batch})
        except TooLarge:
            if len(batch) == 1:
                raise
            half = len(batch) // 2  # this server takes less than others
            yield from self._import_batch(batch[:half], parameters)
            yield from self._import_batch(batch[half:], parameters)
        else:
            yield from zip(batch, answer["result"])


def batches(profiles):
    """Lists of profiles, none of them too long or too large for one request."""
    room = BYTES - 64 * 1024  # the rest is for what stands beside the profiles
    batch, size = [], 0
    for profile in profiles:
        length = len(write_json(profile)) + 1
        if batch and (len(batch) == PROFILES or size + length > room):
            yield batch
            batch, size = [], 0
        batch.append(profile)
        size += length
    if batch:
        yield batch


def write_json(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def write_xml(parameters):
    root = ElementTree.Element("xml")
    _add_members(root, parameters)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _add_members(parent, members):
    for name, value in members.items():
        if isinstance(value, list):
            for item in value:
                _add_value(ElementTree.SubElement(parent, name, array="true"), item)
        else:
            _add_value(ElementTree.SubElement(parent, name), value)


def _add_value(element, value):
    if isinstance(value, dict):
        _add_members(element, value)
    else:
        element.text = json.dumps(value) if isinstance(value, (bool, int, float)) else value


def read_xml(body):
    return _value_of(ElementTree.fromstring(body))


def _value_of(element):
    """An object, or a text: in XML, all that is no object is a text."""
    if len(element) == 0:
        return element.text or ""
    members = {}
    for child in element:
        value = _value_of(child)
        if child.tag in members:
            known = members[child.tag]
            members[child.tag] = (known if isinstance(known, list) else [known]) + [value]
        else:
            members[child.tag] = [value] if child.get("array") == "true" else value
    return members


# Media type, how a request is written, how an answer is read.
FORMATS = {
    "json": ("application/json", write_json, json.loads),
    "xml": ("application/xml", write_xml, read_xml),
}
