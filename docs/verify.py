#!/usr/bin/env python3
"""An independent verifier of `*.locum` accounts, written from docs/spec alone: account.md, record.md, approval.md, key.md.

It needs Python 3.11 and `cryptography`, and nothing of Locum's. It checks bytes, proofs and signatures: that the file is from
the log, complete and unchanged, that acts fit their requests and the policies recorded before them, that what had to be
signed was, by people whose keys and functions the register gives. Left out: the policy's own rules, the order of a search's
steps and, of the gate, delegations, managers, waiting days and the text that was shown. `locum verify` does these.

    python3 verify.py FILE.locum [HER.locum-key] [OLDER.locum ...] [KEY-OF-A-WITNESS ...]
"""

import base64
import hashlib
import hmac
import json
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

KEY = "v kind stream key vkey witnesses checkpoint"
FILE = "v kind stream key vkey witnesses checkpoint leaves entries erasures register policies"


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def url64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def jcs(value):
    """RFC 8785, for values without fractions whose keys are ASCII."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def strict(text, keys):
    """One object with just these keys, in its one spelling: so no key stands in it twice."""
    value = json.loads(text)
    if not isinstance(value, dict) or set(value) != set(keys.split()) or jcs(value) != text.strip():
        raise ValueError("not what docs/spec says")
    return value


def root_of(leaves):
    """RFC 6962 section 2.1: hashes are paired up, an odd one is carried on."""
    row = [sha(b"\0", leaf) for leaf in leaves]
    while len(row) > 1:
        row = [sha(b"\1", *row[n : n + 2]) if n + 1 < len(row) else row[n] for n in range(0, len(row), 2)]
    return row[0] if row else sha()


def signed_by(note, vkey):
    """Origin, size and root in a note that this key signed; "", -1, b"" where it did not. Raises for a false signature."""
    text, _, below = note.rpartition("\n\n")
    (name, identity, encoded), found = vkey.split("+", 2), ["", "-1", ""]
    key = base64.b64decode(encoded)
    for _, signer, blob in [line.split(" ") for line in below.splitlines()]:
        content = base64.b64decode(blob, validate=True)
        if (signer, content[:4].hex()) == (name, identity):
            at, head = (12, f"cosignature/v1\ntime {int.from_bytes(content[4:12])}\n") if key[0] == 4 else (4, "")
            ed25519.Ed25519PublicKey.from_public_bytes(key[1:]).verify(content[at:], f"{head}{text}\n".encode())
            found = text.split("\n")
    return found[0], int(found[1]), base64.b64decode(found[2])


def leaf_of(place, tag):
    opening, payload = bytes.fromhex(place["opening"]), place["payload"].encode()
    return b"\1" + tag + hmac.digest(b"locum/commit/v1", opening + tag + payload, "sha256")


class Account:
    def __init__(self, text):
        self.file, self.failed = strict(text, FILE), False
        content = base64.b64decode(self.file["leaves"], validate=True)  # without them, fetch /record/leaves first
        self.log = [content[at : at + 65] for at in range(0, len(content), 65)]
        self.erased = [(place["index"], span) for place in self.file["erasures"] for span in self.erasure(place)]

    def erasure(self, place):
        leaf, entry = self.log[place["index"]], json.loads(place["payload"])
        is_one = leaf == leaf_of(place, leaf[1:33]) and (entry["stream"], entry["type"]) == ("org/erase", "erased")
        return entry["body"]["places"] if is_one else []

    def say(self, check, text, holds=True):
        """One line for one check; `holds` is None for what cannot be known from this file."""
        self.failed |= holds is False
        print("  !  " if holds is None else " ok  " if holds else "FAILS", f"[{check}] {text}")

    def check_origin(self, hers, witnesses, earlier):
        file, log = self.file, self.log
        same = [one[name] == file[name] for one in hers for name in ("stream", "key", "vkey")]
        told = "mailbox, key and log are hers" if hers else "without her key file, all of this could be made up"
        self.say("origin", told, all(same) if same else None)
        origin, size, root = signed_by(file["checkpoint"], file["vkey"])
        fits = (origin, size, root) == (file["vkey"].partition("+")[0], len(log), root_of(log))
        fits &= all(len(leaf) == 65 and leaf[0] == 1 for leaf in log)
        self.say("origin", f"{origin} signed a state of {size} lines, and it is these {len(log)}", fits)
        for _, old, was in [signed_by(note, file["vkey"]) for note in earlier]:
            fits = old in range(size + 1) and root_of(log[:old]) == was
            self.say("origin", f"it goes on from a state of {old} lines that was shown before", fits)
        looked = [signed_by(file["checkpoint"], vkey)[1] >= 0 for vkey in witnesses]
        self.say("origin", f"witnesses that signed it: {witnesses or 'none is named'}", all(looked) if looked else None)

    def is_beginning(self, log):
        return log["size"] in range(len(self.log) + 1) and log["root"] == root_of(self.log[: log["size"]]).hex()

    def check_enrolled(self, hers):
        found = [entry["body"] for _, entry in hers if entry["type"] == "enrolled"]
        mine = sha(b"locum/key/v1\n", bytes.fromhex(self.file["key"])).hex()
        fits = [one["key_hash"] == mine and self.is_beginning(one["log"]) for one in found]
        self.say("origin", f"times that this key was handed over: {len(found)}", all(fits) if fits else None)

    def read(self, name, key, places):
        """[complete] and [unchanged] for a stream. Gives back what is left of it: (line of the log, entry)."""
        where, entries, wrong = {}, [], []
        for index, leaf in enumerate(self.log):
            where.setdefault(leaf[1:33], []).append(index)
        tags = [hmac.digest(key, b"locum/tag/v1\n" + n.to_bytes(8), "sha256") for n in range(len(places) + 1001)]
        found = [(index, seq) for seq, tag in enumerate(tags) for index in where.get(tag, [])]
        fits = found == sorted(found) == [(place["index"], seq) for seq, place in enumerate(places)]
        fits &= [place["seq"] for place in places] == [seq for _, seq in found]
        self.say("complete", f"{name}: the log has {len(found)} lines under this key, the file has {len(places)}", fits)
        for seq, (index, place) in enumerate((place["index"], place) for place in places):
            if place.get("erased") is True:
                wrong += [] if any(a <= index <= b and index < at for at, (a, b) in self.erased) else [seq]
                continue
            entry = strict(place["payload"], "v stream seq prev type time body")
            before = self.log[places[seq - 1]["index"]][33:].hex() if seq else ""
            fits = (entry["v"], entry["stream"], entry["seq"], entry["prev"]) == (1, name, seq, before)
            wrong += [] if fits and self.log[index] == leaf_of(place, tags[seq]) else [seq]
            entries.append((index, entry))
        told = f"{len(entries)} of {len(places)} entries are left; not as they were written: {wrong or 'none'}"
        self.say("unchanged", f"{name}: {told}", not wrong)
        return entries

    def is_good(self, signed, domain, key, time):
        """Whether this key signed this statement, and the person was verified (approval.md, Assertions)."""
        said = strict(signed["assertion"], "authenticator_data client_data credential signature")
        data, client, _, signature = (url64(said[name]) for name in sorted(said))
        told, message = json.loads(client), data + sha(client)
        challenge = sha(f"locum/{domain}/v1\n".encode(), signed["statement"].encode())
        sites = [one for one in self.file["register"]["sites"] if time <= (one["until"] or "9")]
        fits = (told["type"], url64(told["challenge"])) == ("webauthn.get", challenge) and "topOrigin" not in told
        fits &= (told["origin"], data[:32]) in [(one["origin"], sha(one["rp_id"].encode())) for one in sites]
        try:
            if key[:10].hex() == "a4010103272006215820":  # COSE: EdDSA, ES256, or else RS256
                ed25519.Ed25519PublicKey.from_public_bytes(key[10:]).verify(signature, message)
            elif key[:10].hex() == "a5010203262001215820":
                point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\4" + key[10:42] + key[45:])
                point.verify(signature, message, ec.ECDSA(SHA256()))
            else:
                modulus = rsa.RSAPublicNumbers(65537, int.from_bytes(key[11:-5]))
                modulus.public_key().verify(signature, message, padding.PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return fits and not told.get("crossOrigin") and len(data) == 37 and data[32] & 5 == 5

    def people(self, register, before):
        """Keys by credential, and who has which function: by the deeds before this line that were signed as they have to be."""
        keys, functions = {}, set()
        for time, signed in [(e["time"], e["body"]["signed"]) for index, e in register if index < before]:
            deeds = [json.loads(one["statement"]) for one in signed]
            kind, what = deeds[0]["deed"], deeds[0]["what"]
            people = what.get("people", [what])
            new = {one["credential"]: (one["person"], url64(one["key"])) for one in people if "key" in one}
            used = [{**new, **keys}.get(json.loads(one["assertion"])["credential"], ("", b"")) for one in signed]
            checked = [self.is_good(one, kind, key, time) for one, (_, key) in zip(signed, used, strict=True)]
            if not all(checked) or [(d["by"], d["what"]) for d in deeds] != [(who, what) for who, _ in used]:
                continue
            by = {(d["by"], d["function"]) for d in deeds} & functions
            two = (len(dict(by)) > 1 and len({name for _, name in by}) > 1) or (kind == "first-keys" and not keys)
            given = {(one["person"], one["function"]) for one in people if "function" in one and two}
            functions = functions - given if kind == "function-withdrawn" else functions | given
            if kind == "key-withdrawn":
                keys.pop(what["credential"], None)
            elif two or any(key in keys.values() for key in used):
                keys |= new
        return keys, functions

    def check_acts(self, hers, register, policies):
        """[allowed] without the policy's own rules, [signed] and [pairs]."""
        asked, announced, judged = {}, {}, {}
        for index, entry in hers:
            body, kind, (case, act) = entry["body"], entry["type"], map(entry["body"].get, ("case", "act"))
            if kind == "requested" or "r" in body:
                request = body.get("r") or {**body, "requester": body["requester"]["id"]}
                request = {k: v for k, v in request.items() if k not in ("case", "request", "joins")}
                asked[case] = index, body["request"], request, []
            elif kind == "reviewed" and body.get("signed") and case in asked:
                asked[case][3].append((index, entry["time"], body["signed"]))
            elif kind in ("withdrawn", "refused", "expired", "ended"):
                asked.pop(case, None)
            elif kind == "intended":
                announced[case, act] = index
            elif kind in ("done", "failed") and act in ("apply", "end") and announced.pop((case, act), None) is None:
                self.say("pairs", f"{case}: {act} at line {index} was not announced before", holds=False)
            if kind == "intended" and act == "apply":
                at, said, request, reviews = asked.get(case, (-1, "", {}, []))
                policy = ([""] + [e["body"]["hash"] for n, e in policies if n < at])[-1]
                fits = said == body["request"] == sha(b"locum/request/v1\n", jcs(request).encode()).hex()
                text = self.file["policies"]["texts"].get(policy, "")
                fits &= request.get("policy") == policy == sha(text.encode()).hex()
                self.say("allowed", f"{case} at line {index}: as asked at line {at}, under the policy of then", fits)
                told = judged.setdefault(said, body.get("judged"))  # a second try does not say it again
                rule = told["question"]["reviews_are"] if told else "not recorded"  # or trial, signed, unsigned
                self.check_signed(case, request, said, reviews, *self.people(register, index), rule)
        for case, act in announced:
            self.say("pairs", f"{case}: what became of {act} is not on record", None)

    def check_signed(self, case, request, said, reviews, keys, functions, rule):
        """Who asked and, in another function, who approved: each over this request, with a key and a function on record."""
        seen = {}
        for index, time, signed in reviews:
            told = json.loads(signed["statement"])
            who, function, decision, log = map(told.get, ("approver", "function", "decision", "log"))
            owner, key = keys.get(json.loads(signed["assertion"])["credential"], ("", b""))
            fits = owner == who and self.is_good(signed, "approval", key, time)
            fits &= (who, function) in functions and (decision == "request") == (who == request["requester"])
            fits &= log["size"] <= index and self.is_beginning(log)
            fits &= (told["request"], told["policy"]) == (said, request["policy"])
            self.say("signed", f"{case}: {who} as {function} signed '{decision}' at line {index}", fits)
            seen[decision] = function
        if any(one["measure"] in ("forward", "search") for one in request.get("measures", [])):
            two = len({seen.get("request"), seen.get("approve", seen.get("overrule"))} - {None}) == 2
            self.say("signed", f"{case}: two people signed ({rule})", two or (None if rule[:1] in "tn" else False))


def main(path="", *others):
    try:
        read = {name: Path(name).read_text() for name in (path, *others) if "+" not in name}
        hers = [strict(text, KEY) for name, text in read.items() if name.endswith("-key")]
        before = [json.loads(read[name])["checkpoint"] for name in others if name.endswith(".locum")]
        account = Account(read[path])
        file, before = account.file, before + [one["checkpoint"] for one in hers if one["checkpoint"]]
        named = [name for name in others if "+" in name] or [key for one in hers for key in one["witnesses"]]
        account.check_origin(hers, named or file["witnesses"], before)
        streams = ((file["stream"], file), ("org/register", file["register"]), ("org/policy", file["policies"]))
        left = [account.read(name, bytes.fromhex(one["key"]), one["entries"]) if one else [] for name, one in streams]
        account.check_enrolled(left[0])
        account.check_acts(*left)
    except InvalidSignature:
        account.say("origin", "a signature under a checkpoint is false", holds=False)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, OSError) as error:
        print(f"This is not what docs/spec says: {type(error).__name__}: {error}")
        return 2
    print("Something does NOT hold." if account.failed else "All of this holds. The policy's own rules were not run.")
    return int(account.failed)


sys.exit(main(*sys.argv[1:]))
