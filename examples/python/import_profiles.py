"""Imports made-up profiles by batch, updates some of them, and reads those back.

    python3 import_profiles.py --url http://127.0.0.1:8080 --count 10000
"""

import argparse
import sys

from rollcall import BadRequest, Conflict, Rollcall, TariffLimit

# Of the world that a server without a world file serves.
TOKEN = "abcdefghijklmnqrstuvwxyz"


def main():
    arguments = parser().parse_args()
    rollcall = Rollcall(arguments.url, arguments.token, arguments.db)
    try:
        imported = import_all(rollcall, arguments.count)
        updated = update_some(rollcall, imported[:: arguments.every])
        read_back(rollcall, updated)
    except TariffLimit as limit:
        sys.exit(f"the token's profiles are used up: {limit}")


def parser():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--url", default="http://127.0.0.1:8080")
    options.add_argument("--token", default=TOKEN)
    options.add_argument("--db", type=int, default=1)
    options.add_argument("--count", type=int, default=10_000, help="how many profiles to import")
    options.add_argument("--every", type=int, default=100, help="update every so manieth")
    return options


def people(count):
    """Profiles, and one at the end that no server takes."""
    for number in range(count):
        email = f"person-{number}@example.com"
        yield {
            "email": email,
            "_fname": f"Person {number}",
            "custom_int": number,
            "subscriptions": [{"resource_id": 1, "channel": "email", "email": email}],
        }
    yield {"email": "nobody@example.com", "phones": ["12"]}


def import_all(rollcall, count):
    """The addresses of the profiles that were taken."""
    taken = []
    for profile, answer in rollcall.import_many(people(count), matching="email"):
        if answer["error"] == 0:
            taken.append(profile["email"])
        else:
            # One bad profile does not spoil the others: it is shown, and the rest goes on.
            print(f"refused {profile['email']}: {answer['error_text']}")
    print(f"imported {len(taken)}")
    return taken


def update_some(rollcall, addresses):
    """Adds one to a number, in JSON and in XML by turns."""
    updated = []
    for number, email in enumerate(addresses):
        change = {"custom_int": {"action": "incr", "value": 1}, "custom_tags": {"action": "add", "value": ["seen"]}}
        format = ["json", "xml"][number % 2]
        try:
            rollcall.call("profiles/update", {"email": email, "data": change}, format)
            updated.append(email)
        except (BadRequest, Conflict) as refusal:
            print(f"not updated {email}: {refusal}")
    print(f"updated {len(updated)}")
    return updated


def read_back(rollcall, addresses):
    """Looks whether the server has what it was sent."""
    for number, email in enumerate(addresses):
        format = ["xml", "json"][number % 2]
        profile = rollcall.call("profiles/get", {"email": email}, format)["data"]
        sent = int(email.removeprefix("person-").removesuffix("@example.com"))
        # In XML a number is a text.
        is_right = int(profile["custom_int"]) == sent + 1 and profile["custom_tags"] == ["seen"]
        if not is_right:
            sys.exit(f"{email} is not as it was sent: {profile}")
    print(f"read back {len(addresses)}")


if __name__ == "__main__":
    main()
